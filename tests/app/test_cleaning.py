"""What a run creates is gone afterwards, whatever ends it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from tests.app.serving import KEY, Served, grown, running, served


def run_on(target: Served, folder: Path) -> list[str]:
    return ["run", target.url, "--profile", "quick", "--no-database", "--report-dir", str(folder)]


def cleanup(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert run_command(["cleanup", str(folder), "--api-key", KEY, *more]) == 0
    return capsys.readouterr().out


@pytest.fixture
def killed(tmp_path: Path) -> Served:
    """A target whose run was killed; the folder of the run is the test's own."""
    with served(step_ms=100) as target, running(*run_on(target, tmp_path)) as process:
        grown(tmp_path / "history.jsonl", 150_000)
        process.kill()
        process.wait(10)
        assert target.held
        return target


def test_a_killed_run_is_cleaned_up_from_its_history(
    killed: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.jsonl"
    with history.open("ab") as file:
        file.write(b'{"type": "exchange", "id": "x0')
    assert "nothing was sent" in cleanup(tmp_path, capsys, "--dry-run")
    said = cleanup(tmp_path, capsys)
    assert "deleted: thread thread_" in said
    assert ", 0 left" in said
    # A thread whose creation was under way is in no history.
    assert not [id_ for id_ in killed.held if id_ in history.read_text()]
    assert cleanup(history, capsys).startswith("0 deleted, 0 gone already, 0 left")
    assert run_command(["judge", str(history), "-q"]) in (0, 1, 5)
    assert KEY not in history.read_text()


def test_an_assistant_whose_id_no_answer_told_is_found_by_its_tag(
    killed: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    run_id = json.loads(lines[0])["run_id"]
    assert killed.tags == {run_id}
    history.write_text(lines[0])
    assert "deleted: assistant asst_" in cleanup(tmp_path, capsys)
    assert killed.tags == set()


def test_a_run_leaves_nothing(tmp_path: Path) -> None:
    with served() as target, running(*run_on(target, tmp_path)) as process:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert target.world.stores
        assert target.held == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(sent: signal.Signals, tmp_path: Path) -> None:
    with served(step_ms=100) as target, running(*run_on(target, tmp_path)) as process:
        grown(tmp_path / "history.jsonl", 150_000)
        process.send_signal(sent)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert target.held == []
    assert json.loads((tmp_path / "report.json").read_text())["complete"] is False


def test_the_bundled_emulator_needs_no_cleaning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text(json.dumps({"type": "run", "base_url": "http://127.0.0.1:1/v1", "lasting": False}) + "\n")
    assert cleanup(history, capsys) == ""


def test_the_run_that_began_last_is_meant_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["cleanup"]) == 2
    for name, url in (("20260102-1", "http://127.0.0.1:2/v1"), ("20260101-1", "http://127.0.0.1:1/v1")):
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "history.jsonl").write_text(json.dumps({"type": "run", "base_url": url}) + "\n")
    (tmp_path / "reports" / "latest").symlink_to("20260101-1")
    capsys.readouterr()
    assert run_command(["cleanup", "--dry-run"]) == 0
    assert capsys.readouterr().out == "0 objects left on http://127.0.0.1:2/v1; nothing was sent\n"
    for name, url, started in (("nightly", "http://127.0.0.1:3/v1", 1.0), ("20260102-1", "http://127.0.0.1:4/v1", 2.0)):
        (tmp_path / "reports" / name).mkdir(exist_ok=True)
        line = json.dumps({"type": "run", "base_url": url, "started": started})
        (tmp_path / "reports" / name / "history.jsonl").write_text(line + "\n")
    assert run_command(["cleanup", "--dry-run"]) == 0
    assert capsys.readouterr().out == "0 objects left on http://127.0.0.1:4/v1; nothing was sent\n"


@pytest.mark.parametrize("content", [None, "", '{"log": {}}\n'])
def test_what_is_no_history_is_a_usage_error(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "history.jsonl").write_text(content)
    assert run_command(["cleanup", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_target_that_is_gone_cannot_be_cleaned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = {"type": "run", "base_url": "http://127.0.0.1:1/v1", "run_id": "r"}
    (tmp_path / "history.jsonl").write_text(json.dumps(run) + "\n")
    assert run_command(["cleanup", str(tmp_path), "--api-key", KEY]) == 3
    assert "does not answer" in capsys.readouterr().err
