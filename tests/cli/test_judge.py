"""`runs-conformance judge`: folders, watching, progress, and the recording as a history."""

from __future__ import annotations

import io
import json
import queue
from pathlib import Path

import pytest

from runs_conformance.app.judge_recording import judge
from runs_conformance.app.options import RunOptions
from runs_conformance.cli import run_command
from runs_conformance.cli.judging_progress import JudgingProgress
from runs_conformance.cli.live_line import LiveLine
from runs_conformance.cli.watch import watch_files
from runs_conformance.errors import UsageError
from runs_conformance.model.verdict import Outcome
from tests.recordings.traffic import clean_entries
from tests.rules.histories import thread

KEY = "sk-recorded-and-never-written"


def _entries(flow: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(clean_entries(flow).replace("sk-recorded", KEY))
    return entries


def _write(path: Path, flow: str = "tools") -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps({"log": {"entries": _entries(flow)}}))
    return path


def test_all_files_of_a_folder_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(tmp_path / "recordings" / "tools_12345" / "recording.har")
    _write(tmp_path / "recordings" / "streams_67890" / "recording.har", "streams")
    _write(tmp_path / "recordings" / ".git" / "recording.har").write_text("nothing to see")
    (tmp_path / "recordings" / "notes.txt").write_text("nothing to see")
    assert run_command(["judge", str(tmp_path / "recordings"), "-q"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("not read:") == 1
    assert "notes.txt" in captured.err
    (tmp_path / "empty").mkdir()
    assert run_command(["judge", str(tmp_path / "empty")]) == 2


def test_recording_is_written_as_a_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(tmp_path / "session.har")
    assert (
        run_command(["judge", str(path), "-q", "--report", "json,history", "--report-dir", str(tmp_path / "out")]) == 0
    )
    history = tmp_path / "out" / "history.jsonl"
    assert KEY not in history.read_text() + (tmp_path / "out" / "report.json").read_text()
    judged = [
        {verdict.id: verdict.outcome for verdict in judge([each], RunOptions()).report.verdicts}
        for each in (path, history)
    ]
    del judged[0]["auth.keys_are_not_repeated"], judged[1]["auth.keys_are_not_repeated"]  # Redaction looks for keys.
    assert judged[0] == judged[1]
    again = ["judge", str(history), "--report", "history", "--report-dir", str(tmp_path / "out")]
    assert run_command(again) == 2
    assert "is judged, so it cannot be written" in capsys.readouterr().err


def test_the_keys_of_many_clients_appear_in_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = [f"sk-{number * 7919:030}-{number:03}" for number in range(70)]
    entries = []
    for number, key in enumerate(keys):
        echoed = number in (0, 69)
        text = f"Incorrect API key provided: {key}" if echoed else json.dumps(thread(f"thread_{number}"))
        content_type = "text/plain" if echoed else "application/json"
        request = {
            "method": "GET",
            "url": f"https://api.openai.com/v1/threads/thread_{number}",
            "headers": [{"name": "Authorization", "value": f"Bearer {key}"}],
        }
        response = {
            "status": 401 if echoed else 200,
            "headers": [{"name": "Content-Type", "value": content_type}],
            "content": {"mimeType": content_type, "text": text},
        }
        started = f"2026-01-01T00:{number // 60:02}:{number % 60:02}.123Z"
        entries.append({"startedDateTime": started, "time": 12, "request": request, "response": response})
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    report = tmp_path / "report"
    run_command(["judge", str(path), "--report-dir", str(report), "--report", "json,html,markdown"])
    written = "".join(file.read_text() for file in report.iterdir()) + "".join(capsys.readouterr())
    assert "Incorrect API key provided" in written
    assert [key for key in keys if key in written] == []


def test_clients_with_several_keys_remain_partial_in_the_history(tmp_path: Path) -> None:
    entries = _entries("conversation")
    for number, entry in enumerate(entries):
        entry["request"]["headers"] = [{"name": "Authorization", "value": f"Bearer {KEY}{number % 2}"}]  # type: ignore[index]
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    run_command(["judge", str(path), "-q", "--report", "history", "--report-dir", str(tmp_path / "out")])
    verdicts = judge([tmp_path / "out" / "history.jsonl"], RunOptions()).report.verdicts
    assert [verdict.id for verdict in verdicts if verdict.outcome is Outcome.FAIL] == []


def test_quiet_output_tells_how_many_entries_were_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = _entries("tools")
    entries[3]["request"]["url"] = "https://example.com/elsewhere"  # type: ignore[index]
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    run_command(["judge", str(path), "-q"])
    captured = capsys.readouterr()
    assert "skipped 1 entry" in captured.err
    assert f"judged {len(entries) - 1} of {len(entries)} entries" in captured.out


def test_reproduction_of_azure_traffic_has_its_prefix_and_key_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = clean_entries("tools").replace("https://api.openai.com/v1", "https://x.openai.azure.com/openai")
    entries = json.loads(text)
    for entry in entries:
        request, content = entry["request"], entry["response"]["content"]
        request["url"] += "?api-version=2024-07-01-preview"
        request["headers"] = [{"name": "api-key", "value": KEY}]
        content["text"] = content["text"].replace('"object":"thread.run"', '"object":"run"')
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    assert run_command(["judge", str(path), "-v", "--select", "run.object.const"]) == 1
    printed = capsys.readouterr().out
    assert '"$BASE_URL/openai/threads/' in printed.replace("'", '"').replace('"$BASE_URL""', '"$BASE_URL')
    assert "api-key: $OPENAI_API_KEY" in printed
    assert "api-version=2024-07-01-preview" in printed


def test_watched_files_are_judged_again_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "session.har"
    path.write_text("1")
    calls: list[str] = []
    lines: queue.Queue[str] = queue.Queue()

    def judge_once() -> int:
        calls.append(path.read_text())
        if len(calls) == 1:
            path.write_text("22")
            raise UsageError("the file is incomplete")
        lines.put("q\n")
        return len(calls)

    assert watch_files(judge_once, [path], lines) == 2
    assert calls == ["1", "22"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_with_an_estimate_once_it_takes_long() -> None:
    moments = iter([0.0, 1.0, 3.0, 3.0, 3.0, 5.0, 5.0, 5.0])
    terminal = _Terminal()
    progress = JudgingProgress(LiveLine(terminal, lambda: 10.0 + terminal.tell()), lambda: next(moments))
    progress.show(100, 1000)
    assert terminal.getvalue() == ""
    progress.show(300, 1000)
    assert "judged 300 of 1,000 exchanges, 7 s left" in terminal.getvalue()
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
