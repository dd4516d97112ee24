"""`run --jobs`: several processes judge as one does, share the limits, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.options import RunOptions
from runs_conformance.cli import run_command
from runs_conformance.cli.processes import PARTS, _JointProgress, options_of_part
from runs_conformance.engine.shard import Shard
from runs_conformance.reporting.progress import SilentProgress
from tests.gateway import KEY, gateway

SELECTED = ("run", "--select", "cancel.*", "--select", "lock.*", "-q", "--no-database")


def verdicts(folder: str) -> Mapping[str, str]:
    report: dict[str, Any] = json.loads(Path(folder, "report.json").read_text())
    return {each["id"]: each["outcome"] for each in report["verdicts"]}


def test_two_processes_reach_the_verdicts_of_one() -> None:
    assert run_command([*SELECTED, "--report-dir", "one"]) == 0
    assert run_command([*SELECTED, "--report-dir", "two", "--jobs", "2"]) == 0
    assert verdicts("two") == verdicts("one")
    assert sorted(path.parent.name for path in Path("two", PARTS).glob("*/history.jsonl")) == ["1", "2"]


def test_processes_share_the_limits_and_delete_what_they_create() -> None:
    arguments = ["run", "--api-key", KEY, "--max-requests", "90", "--jobs", "2", "-q", "--report-dir", "out"]
    with gateway() as gate:
        assert run_command([*arguments, gate.url, "--no-database"]) == 5
    assert len(gate.requests) <= 90
    assert gate.live_objects == set()


def test_an_interruption_ends_all_processes_and_leaves_a_report() -> None:
    with gateway() as gate:
        command = [sys.executable, "-m", "runs_conformance", "run", gate.url, "--jobs", "2", "--report-dir", "out"]
        environment = {**os.environ, "OPENAI_API_KEY": KEY}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            next(line for line in process.stderr if line.startswith("running"))
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert not json.loads(Path("out/report.json").read_text())["complete"]
    assert gate.live_objects == set()


@pytest.mark.parametrize(
    "arguments",
    [("--shard", "1/2"), ("--use", "thread=thread_1"), ("--restart-command", "./serve"), ("--report", "har")],
)
def test_options_that_processes_cannot_share(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--jobs", "2", *arguments]) == 2
    assert "--jobs" in capsys.readouterr().err


def test_each_process_has_its_share_of_the_limits() -> None:
    options = RunOptions(max_requests=101, max_runs=0, max_tokens=None, rate_limit=10.0)
    part = options_of_part(options, Shard(2, 4))
    assert (part.shard, part.max_requests, part.max_runs, part.max_tokens) == ("2/4", 25, 0, None)
    assert part.rate_limit == 2.5


class _Listener(SilentProgress):
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        self.seen.append((programs, requests, runs, limits))

    def on_program_judged(self, failing: object, requests: int, runs: int) -> None:
        self.seen.append((failing, requests, runs))


def test_progress_is_that_of_all_processes() -> None:
    listener = _Listener()
    progress = _JointProgress(listener, 2)
    progress.receive(1, "plan", (3, 30, 2, 60, None))
    progress.receive(1, "judged", (["a"], 10, 1))
    assert listener.seen == []
    progress.receive(2, "plan", (4, 40, 1, 80, None))
    progress.receive(2, "judged", ([], 5, 0))
    assert listener.seen == [(7, 70, 3, (140, None)), (["a"], 10, 1), ([], 15, 1)]
