"""`run --jobs`: several processes judge as one does, share the limits, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.options import RunOptions
from runs_conformance.app.report_file import read_report
from runs_conformance.cli import run_command
from runs_conformance.cli.joint_progress import JointProgress
from runs_conformance.cli.processes import options_of_part
from runs_conformance.cli.signals import Interruption
from runs_conformance.engine.shard import Shard
from runs_conformance.errors import TargetError
from runs_conformance.model.json import is_array, is_object
from runs_conformance.reporting.folder import HISTORY, PARTS
from runs_conformance.reporting.progress import SilentProgress
from tests.gateway import KEY, CannedResponse, GatewayRequest, error_response, gateway

SELECTED = ("run", "--select", "cancel.*", "--select", "metadata.*", "-q", "--no-database")


def verdicts(folder: str) -> Mapping[str, str]:
    report: dict[str, Any] = json.loads(Path(folder, "report.json").read_text())
    return {each["id"]: each["outcome"] for each in report["verdicts"]}


def test_two_processes_reach_the_verdicts_of_one() -> None:
    assert run_command([*SELECTED, "--report-dir", "one"]) == 0
    assert run_command([*SELECTED, "--report-dir", "two", "--jobs", "2"]) == 0
    assert verdicts("two") == verdicts("one")
    assert sorted(path.parent.name for path in Path("two", PARTS).glob("*/history.jsonl")) == ["1", "2"]


def test_commands_read_the_histories_of_all_processes() -> None:
    assert run_command([*SELECTED, "--report-dir", "two", "--jobs", "2"]) == 0
    reached = verdicts("two")
    assert run_command(["merge", "two", "-q", "--report-dir", "merged"]) == 0
    assert verdicts("merged") == reached
    assert run_command(["report", "two"]) == 2
    Path("two/report.json").unlink()
    _, report = read_report(Path("two"))
    assert is_array(report["verdicts"])
    assert {each["id"]: each["outcome"] for each in report["verdicts"] if is_object(each)} == reached


def test_processes_share_the_limits_and_delete_what_they_create() -> None:
    arguments = ["run", "--api-key", KEY, "--max-requests", "90", "--jobs", "2", "-q", "--report-dir", "out"]
    with gateway() as gate:
        assert run_command([*arguments, gate.url, "--no-database"]) == 5
    assert len(gate.requests) <= 90
    assert gate.live_objects == set()


def test_what_the_processes_could_not_delete_is_cleaned_up_later() -> None:
    Path("out", PARTS, "3").mkdir(parents=True)
    for old in (Path("out", HISTORY), Path("out", PARTS, "3", HISTORY)):
        old.write_text("{}")
    arguments = ["--api-key", KEY, "--max-requests", "120", "--jobs", "2", "-q", "--report-dir", "out"]
    with gateway() as gate:
        gate.refuse = lambda seen: error_response(500, "not now") if seen.operation.startswith("delete_") else None
        assert run_command(["run", gate.url, *arguments, "--no-database"]) in (1, 5)
        assert gate.live_objects
        assert {path.parent.name for path in Path("out").rglob(HISTORY)} == {"1", "2"}
        gate.refuse = lambda seen: None
        assert run_command(["cleanup", "out", "--api-key", KEY]) == 0
        assert gate.live_objects == set()


def test_a_process_without_a_target_does_not_discard_the_verdicts_of_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused: set[str] = set()

    def refuse(seen: GatewayRequest) -> CannedResponse | None:
        # The process that comes first meets a server that does not know the key yet.
        if seen.operation not in refused:
            return None
        refused.remove(seen.operation)
        return error_response(401, "not yet")

    with gateway(refuse=refuse) as gate:
        # Two processes that start at the same moment may meet one refusal each, and then neither tests the target.
        for _ in range(5):
            refused.update({"create_thread", "list_assistants"})
            code = run_command([*SELECTED, gate.url, "--api-key", KEY, "--jobs", "2", "--report-dir", "out"])
            if "pass" in verdicts("out").values():
                break
    assert code == 5
    assert "refuses the API key" in capsys.readouterr().out
    assert "pass" in verdicts("out").values()


def test_if_no_process_reaches_the_target_the_exit_code_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*SELECTED, "http://127.0.0.1:9/v1", "--jobs", "2", "--report-dir", "out"]) == 3
    assert run_command([*SELECTED, "--use", "assistant=asst_1", "--jobs", "2", "--report-dir", "out"]) == 2
    assert "asst_1" in capsys.readouterr().err


def test_a_process_that_is_interrupted_twice_still_cleans_up() -> None:
    interruption = Interruption(ignores_repeats=True)
    with pytest.raises(KeyboardInterrupt):
        interruption.handle(signal.SIGTERM, None)
    interruption.handle(signal.SIGTERM, None)


def test_an_interruption_ends_all_processes_and_leaves_a_report() -> None:
    with gateway() as gate:
        command = [sys.executable, "-m", "runs_conformance", "run", gate.url, "--jobs", "2", "--report-dir", "out"]
        environment = {**os.environ, "OPENAI_API_KEY": KEY}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            next(line for line in process.stderr if line.startswith("running"))
            # As from a supervisor that signals the processes, too, beside the signal that the first one passes on.
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            for child in children.read_text().split() if children.exists() else ():
                os.kill(int(child), signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert "ended immediately" not in rest
    assert not json.loads(Path("out/report.json").read_text())["complete"]
    assert gate.live_objects == set()


def test_ctrl_c_while_the_processes_start_ends_them_without_a_traceback() -> None:
    with gateway() as gate:
        command = [sys.executable, "-m", "runs_conformance", "run", gate.url, "--jobs", "2", "--report-dir", "out"]
        environment = {**os.environ, "OPENAI_API_KEY": KEY}
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        ) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            if not children.exists():
                process.kill()
                pytest.skip("the system does not list the children of a process")
            # One of them tracks the resources of the others.
            while len(children.read_text().split()) < 3:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)
            assert process.stderr is not None
            rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert gate.live_objects == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--shard", "1/2"),
        ("--use", "thread=thread_1"),
        ("--restart-command", "./serve"),
        ("--report", "har"),
        ("--max-requests", "1"),
        ("--max-runs", "1"),
        ("--max-tokens", "1"),
    ],
)
def test_options_that_processes_cannot_share(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--jobs", "2", *arguments]) == 2
    assert "--jobs" in capsys.readouterr().err


def test_each_process_has_its_share_of_the_limits() -> None:
    options = RunOptions(max_requests=101, max_runs=0, max_tokens=None, rate_limit=10.0)
    part = options_of_part(options, Shard(2, 4))
    assert (part.shard, part.max_requests, part.max_runs, part.max_tokens) == ("2/4", 25, 0, None)
    assert part.rate_limit == 2.5
    assert part.jobs == 4


class _Listener(SilentProgress):
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        self.seen.append((programs, requests, runs, limits))

    def on_throttled(self, seconds: float) -> None:
        self.seen.append((seconds,))

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        self.seen.append(tuple(leftovers))

    def on_program_judged(self, failing: object, requests: int, runs: int) -> None:
        self.seen.append((failing, requests, runs))


def test_progress_is_that_of_all_processes() -> None:
    listener = _Listener()
    progress = JointProgress(listener, 2)
    progress.receive(1, "plan", (3, 30, 2, 60, None))
    progress.receive(1, "judged", (["a"], 10, 1))
    assert listener.seen == []
    progress.receive(2, "plan", (4, 40, 1, 80, None))
    progress.receive(2, "judged", ([], 5, 0))
    assert listener.seen == [(7, 70, 3, (140, None)), (["a"], 10, 1), ([], 15, 1)]


def test_progress_does_not_wait_for_a_process_that_failed() -> None:
    listener = _Listener()
    progress = JointProgress(listener, 2)
    progress.receive(1, "plan", (3, 30, 2, 60, None))
    progress.receive(1, "throttled", (1.5,))
    progress.receive(2, "error", (TargetError("it does not answer"),))
    assert listener.seen == []
    progress.receive(2, "end", ())
    progress.receive(1, "end", ())
    assert listener.seen == [(3, 30, 2, (60, None)), (1.5,)]
    assert [str(error) for error in progress.errors] == ["it does not answer"]


def test_leftovers_of_a_test_run_that_could_not_begin_are_shown() -> None:
    listener = _Listener()
    progress = JointProgress(listener, 2)
    progress.receive(1, "leftovers", (["thread thread_1"],))
    progress.close()
    assert listener.seen == [("thread thread_1",)]
