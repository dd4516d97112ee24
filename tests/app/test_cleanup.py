"""A test run deletes what it creates, however it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from tests.app.serving import KEY, ServedEmulator, serve_emulator, start_command, wait_for_size


def run_on(target: ServedEmulator, folder: Path) -> list[str]:
    return ["run", target.url, "--profile", "quick", "--no-database", "--report-dir", str(folder)]


def cleanup(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert run_command(["cleanup", str(folder), "--api-key", KEY, *more]) == 0
    return capsys.readouterr().out


@pytest.fixture
def killed(tmp_path: Path) -> ServedEmulator:
    """A target whose run was killed; the folder of the run is that of the test."""
    with serve_emulator(step_ms=100) as target, start_command(*run_on(target, tmp_path)) as process:
        wait_for_size(tmp_path / "history.jsonl", 150_000)
        process.kill()
        process.wait(10)
        assert target.held
        return target


def test_cleanup_deletes_what_a_killed_run_left(
    killed: ServedEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.jsonl"
    with history.open("ab") as file:
        file.write(b'{"type": "exchange", "id": "x0')
    assert "nothing was sent" in cleanup(tmp_path, capsys, "--dry-run")
    output = cleanup(tmp_path, capsys)
    assert "deleted: thread thread_" in output
    assert ", 0 left" in output
    # A thread whose creation was in flight is in no history.
    assert not [id_ for id_ in killed.held if id_ in history.read_text()]
    assert cleanup(history, capsys).startswith("0 deleted, 0 already gone, 0 left")
    assert run_command(["judge", str(history), "-q"]) in (0, 1, 5)
    assert KEY not in history.read_text()


def test_an_assistant_without_recorded_id_is_found_by_its_tag(
    killed: ServedEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    run_id = json.loads(lines[0])["run_id"]
    assert killed.tags == {run_id}
    history.write_text(lines[0])
    assert "deleted: assistant asst_" in cleanup(tmp_path, capsys)
    assert killed.tags == set()


def test_a_complete_run_leaves_nothing_behind(tmp_path: Path) -> None:
    with serve_emulator() as target, start_command(*run_on(target, tmp_path)) as process:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert target.server.stores
        assert target.held == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with serve_emulator(step_ms=100) as target, start_command(*run_on(target, tmp_path)) as process:
        wait_for_size(tmp_path / "history.jsonl", 150_000)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 130, output
        assert "Traceback" not in output
        assert target.held == []
    assert json.loads((tmp_path / "report.json").read_text())["complete"] is False


def test_the_bundled_emulator_needs_no_cleanup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text(json.dumps({"type": "run", "base_url": "http://127.0.0.1:1/v1", "lasting": False}) + "\n")
    assert cleanup(history, capsys) == ""


def test_the_latest_run_is_the_default(
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
def test_a_file_that_is_not_a_history_is_a_usage_error(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "history.jsonl").write_text(content)
    assert run_command(["cleanup", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_cleanup_of_an_unreachable_target_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = {"type": "run", "base_url": "http://127.0.0.1:1/v1", "run_id": "r"}
    (tmp_path / "history.jsonl").write_text(json.dumps(run) + "\n")
    assert run_command(["cleanup", str(tmp_path), "--api-key", KEY]) == 3
    assert "does not respond" in capsys.readouterr().err
