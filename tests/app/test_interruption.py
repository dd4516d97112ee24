"""An interrupted test run reports what it judged and keeps what it recorded."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runs_conformance.app import shrink_findings
from runs_conformance.cli.signals import Interruption, interruptible, signals_held
from runs_conformance.engine import interruptible as interruptible_work
from tests.app.serving import ROOT, serve_emulator, start_command, wait_for_size
from tests.client.hostile import serving
from tests.quality.hostile_behaviours import silent
from tests.quality.hostile_server import HostileRequest, hostile_server


def test_first_signal_interrupts_and_second_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    handler = Interruption()
    with pytest.raises(KeyboardInterrupt):
        handler.handle(signal.SIGINT, None)
    assert handler.received
    with pytest.raises(KeyboardInterrupt):
        handler.handle(signal.SIGTERM, None)
    assert ended == [130]


def test_a_deferred_signal_does_not_interrupt() -> None:
    with interruptible() as handler:
        handler.defer()
        signal.raise_signal(signal.SIGTERM)
        assert handler.received
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_another_thread_receives_is_held_back(number: signal.Signals) -> None:
    ready, held = threading.Event(), list[bool]()

    def receive() -> None:
        ready.wait()
        signal.pthread_kill(threading.get_ident(), number)

    # It starts before signals are held, so that it does not block them.
    receiver = threading.Thread(target=receive)
    receiver.start()
    with interruptible() as handler, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        with signals_held():
            ready.set()
            receiver.join()
            held.append(not handler.received)
        held.append(False)
    assert (held, handler.received) == ([True], True)


def test_an_interruption_while_the_thread_starts_stops_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    start, events = threading.Thread.start, list[str]()

    def start_interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_interrupted)
    stopped = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        interruptible_work.run_interruptible(
            lambda: events.append("stopped" if stopped.wait(10) else "went on"), stop=stopped.set
        )
    assert events == ["stopped"]


def complete(folder: Path) -> bool:
    output = json.loads((folder / "report.json").read_text())["complete"]
    assert isinstance(output, bool)
    return output


def count_exchanges(history: Path) -> int:
    """Count the exchanges of a history, whose every line must parse."""
    return sum(json.loads(line)["type"] == "exchange" for line in history.read_text().splitlines())


def test_ctrl_c_while_the_command_is_loaded() -> None:
    code = (
        "import builtins, signal, runs_conformance.__main__ as command\n"
        "original = builtins.__import__\n"
        "def interrupted(name, *rest, **named):\n"
        "    if name == 'runs_conformance.cli': signal.raise_signal(signal.SIGINT)\n"
        "    return original(name, *rest, **named)\n"
        "builtins.__import__ = interrupted\n"
        "command.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "conformance")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "runs-conformance: interrupted\n")


def test_the_command_works_if_python_removes_docstrings() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "conformance"), "PYTHONOPTIMIZE": "2"}
    command = [sys.executable, "-OO", "-m", "runs_conformance", "explain", "auth.status_is_401"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "gets HTTP 401" in done.stdout


def test_ctrl_c_during_the_preflight(tmp_path: Path) -> None:
    with (
        serving(lambda connection: connection.drip(b"", 1)) as server,
        start_command("run", server.address.url, "--report-dir", str(tmp_path)) as process,
    ):
        deadline = time.monotonic() + 30
        while not server.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not complete(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["programs"]["planned"] == len(report["programs"]["early_ends"]) > 0
    reasons = [each["reason"] for each in report["verdicts"] if each["operation"] == "create_run"]
    assert sum(reason.endswith("did not start: interrupted") for reason in reasons) > len(reasons) / 2
    assert not any("covered it" in reason for reason in reasons)


@pytest.mark.parametrize("request_number", [1, 4])
def test_what_is_created_while_interrupted_is_deleted(request_number: int, tmp_path: Path) -> None:
    def respond_late(request: HostileRequest) -> None:
        answer = request.response()
        time.sleep(0.5)
        request.connection.send(answer)

    with (
        serve_emulator() as target,
        hostile_server(target.url, respond_late, lambda number: number >= request_number, False, "") as (url, heads),
        start_command("run", url, "--report-dir", str(tmp_path)) as process,
    ):
        _wait_until(lambda: len(heads) >= request_number)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
        assert target.held == [], output
    assert process.returncode == 130, output


def _interrupt_until_it_ends(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C every second; returns the output."""
    for _ in range(30):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the process does not end")


def test_a_second_ctrl_c_exits_immediately(tmp_path: Path) -> None:
    with (
        serve_emulator() as honest,
        hostile_server(honest.url, silent, lambda number: number > 60, True, "") as (url, heads),
        start_command("run", url, "--report-dir", str(tmp_path), "--timeout", "60") as process,
    ):
        deadline = time.monotonic() + 30
        while len(heads) < 62 and time.monotonic() < deadline:
            time.sleep(0.02)
        # A busy process may notice two signals as one.
        output = _interrupt_until_it_ends(process)
    assert process.returncode == 130, output
    assert "ended immediately" in output
    assert count_exchanges(tmp_path / "history.jsonl") > 30


def test_ctrl_c_while_shrinking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runs_conformance.cli import run_command

    def interrupted(*arguments: object, **named: object) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(30)

    monkeypatch.setattr(shrink_findings, "shrink_findings", interrupted)
    monkeypatch.setattr(interruptible_work, "STOP_TIMEOUT", 0.1)
    with serve_emulator() as target:
        arguments = ["run", target.url, "--api-key", "sk-0123456789", "--select", "auth.*", "--no-database", "-q"]
        assert run_command([*arguments, "--report-dir", str(tmp_path)]) == 130
        assert target.held == []
    assert not complete(tmp_path)
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_init_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with (
        serve_emulator(step_ms=3_000) as target,
        start_command("init", target.url, "--output", str(tmp_path / "c.toml")) as process,
    ):
        _wait_until(lambda: bool(target.held))
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        assert target.held == []
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not (tmp_path / "c.toml").exists()


def test_interrupted_replay_leaves_nothing_behind(tmp_path: Path) -> None:
    choice = ("--profile", "quick", "--phase", "lifecycle", "--select", "run.expires_at.*", "--no-database")
    with serve_emulator(mutant="writes_expiry_as_text") as target:
        with start_command("run", target.url, "--report-dir", str(tmp_path), *choice) as process:
            process.communicate(timeout=60)
        assert process.returncode == 1
    with serve_emulator(step_ms=3_000) as target, start_command("replay", str(tmp_path), target.url) as process:
        _wait_until(lambda: bool(target.held))
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        assert target.held == []
    assert process.returncode == 130, output


def _wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_full_disk_keeps_the_history_and_prints_the_verdicts(tmp_path: Path) -> None:
    with (
        serve_emulator() as target,
        start_command("run", target.url, "--report-dir", str(tmp_path), "--no-database") as process,
    ):
        wait_for_size(tmp_path / "history.jsonl", 20_000)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (400_000, 400_000))
        output, _ = process.communicate(timeout=60)
        assert target.held == []
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "stopped early: " in output
    assert "history.jsonl: cannot be written: File too large" in output
    assert "report.json: cannot write: File too large" in output
    assert count_exchanges(tmp_path / "history.jsonl") > 20
    assert not list(tmp_path.glob(".*"))


def test_a_deleted_folder_does_not_suppress_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    arguments = ("--report-dir", str(folder), "--no-database", "--profile", "quick", "--phase", "lifecycle")
    with serve_emulator() as target, start_command("run", target.url, *arguments) as process:
        wait_for_size(folder / "history.jsonl", 20_000)
        shutil.rmtree(folder)
        output, _ = process.communicate(timeout=60)
        assert target.held == []
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "lifecycle" in output or "judged" in output
    assert "cannot write: No such file or directory" in output
