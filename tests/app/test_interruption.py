"""Whatever ends a run early, what was judged is reported and what was recorded stays."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runs_conformance.app import shrink_findings
from runs_conformance.cli.signals import Interruption, interruptible
from tests.app.serving import grown, running, served
from tests.client.hostile import serving
from tests.quality.behaviours import silent, standing_in


def test_the_first_signal_ends_a_run_and_the_second_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    handler = Interruption()
    with pytest.raises(KeyboardInterrupt):
        handler.take(signal.SIGINT, None)
    assert handler.came
    with pytest.raises(KeyboardInterrupt):
        handler.take(signal.SIGTERM, None)
    assert ended == [130]


def test_what_has_to_be_whole_is_not_interrupted() -> None:
    with interruptible() as handler:
        handler.put_off()
        signal.raise_signal(signal.SIGTERM)
        assert handler.came
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def complete(folder: Path) -> bool:
    said = json.loads((folder / "report.json").read_text())["complete"]
    assert isinstance(said, bool)
    return said


def whole(history: Path) -> int:
    """How many exchanges a history holds, every line being one."""
    return sum(json.loads(line)["type"] == "exchange" for line in history.read_text().splitlines())


def test_ctrl_c_during_the_preflight(tmp_path: Path) -> None:
    with (
        serving(lambda connection: connection.drip(b"", 1)) as server,
        running("run", server.address.url, "--report-dir", str(tmp_path)) as process,
    ):
        deadline = time.monotonic() + 30
        while not server.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not complete(tmp_path)


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    with (
        served() as honest,
        standing_in(honest.url, silent, lambda number: number > 60, True, "") as (url, heads),
        running("run", url, "--report-dir", str(tmp_path), "--timeout", "60") as process,
    ):
        deadline = time.monotonic() + 30
        while len(heads) < 66 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=5)
    assert process.returncode == 130, said
    assert "ended at once" in said
    assert whole(tmp_path / "history.jsonl") > 30


def test_ctrl_c_while_a_counterexample_is_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runs_conformance.cli import run_command

    def interrupted(*arguments: object, **named: object) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(30)

    monkeypatch.setattr(shrink_findings, "shrunk", interrupted)
    with served() as target:
        arguments = ["run", target.url, "--api-key", "sk-0123456789", "--select", "auth.*", "--no-database", "-q"]
        assert run_command([*arguments, "--report-dir", str(tmp_path)]) == 130
        assert target.held == []
    assert not complete(tmp_path)
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_look_that_is_interrupted_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with served(step_ms=3_000) as target, running("init", target.url, "--output", str(tmp_path / "c.toml")) as process:
        _once(lambda: bool(target.held))
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
        assert target.held == []
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not (tmp_path / "c.toml").exists()


def test_a_replay_that_is_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    choice = ("--profile", "quick", "--phase", "lifecycle", "--select", "run.expires_at.*", "--no-database")
    with served(mutant="writes_expiry_as_text") as target:
        with running("run", target.url, "--report-dir", str(tmp_path), *choice) as process:
            process.communicate(timeout=60)
        assert process.returncode == 1
    with served(step_ms=3_000) as target, running("replay", str(tmp_path), target.url) as process:
        _once(lambda: bool(target.held))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
        assert target.held == []
    assert process.returncode == 130, said


def _once(so: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_full_disk_keeps_what_was_recorded_and_tells_what_was_judged(tmp_path: Path) -> None:
    with served() as target, running("run", target.url, "--report-dir", str(tmp_path), "--no-database") as process:
        grown(tmp_path / "history.jsonl", 20_000)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (400_000, 400_000))
        said, _ = process.communicate(timeout=60)
        assert target.held == []
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert "cut short: " in said
    assert "history.jsonl: cannot be written: File too large" in said
    assert "report.json: cannot be written: File too large" in said
    assert whole(tmp_path / "history.jsonl") > 20
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_vanishes_costs_no_verdict(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    arguments = ("--report-dir", str(folder), "--no-database", "--profile", "quick", "--phase", "lifecycle")
    with served() as target, running("run", target.url, *arguments) as process:
        grown(folder / "history.jsonl", 20_000)
        shutil.rmtree(folder)
        said, _ = process.communicate(timeout=60)
        assert target.held == []
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert "lifecycle" in said or "judged" in said
    assert "cannot be written: No such file or directory" in said
