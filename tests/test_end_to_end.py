"""The whole suite on the bundled emulator, complete and with missing capabilities."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.cli import run_command
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.schema import load_document
from runs_conformance.emulator.app import BASE, build
from runs_conformance.emulator.server import serve
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.engine.program_verdicts import judge_program
from runs_conformance.recordings.load import load_traffic
from runs_conformance.rules import catalogue as rules
from tests import garbled_histories
from tests.quality import damaged_histories, odd_members
from tests.quality.sampling import fixed_sample

ROOT = Path(__file__).parent.parent


def report_in(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    Draft202012Validator(load_document("report.schema")).validate(report)
    return report


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {verdict["id"]: verdict["outcome"] for verdict in report["verdicts"]}


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a standard run on the emulator."""
    folder = tmp_path_factory.mktemp("standard")
    assert run_command(["run", "--report-dir", str(folder), "-q"]) == 0
    return folder


def test_the_emulator_passes_within_bounded_cost(standard: Path) -> None:
    report = report_in(standard)
    judge_program = Counter(verdict["kind"] for verdict in report["verdicts"] if verdict["outcome"] == "pass")
    assert judge_program["constraint"] >= 400
    assert judge_program["rule"] >= 60
    assert "fail" not in outcomes(report).values()
    assert report["counts"]["runs_started"] <= 80
    assert report["counts"]["requests"] <= 2500


def test_the_programs_supply_every_part_that_a_pass_needs(standard: Path) -> None:
    found = outcomes(report_in(standard))
    needing = {id_ for id_, rule in rules().items() if rule.needs_parts or rule.needs_on_each}
    assert {id_: found[id_] for id_ in needing if found[id_] != "pass"} == {}


QUEUED = (
    "lock.no_message_while_a_run_is_queued_or_cancelling",
    "lock.no_second_run_while_a_run_is_queued_or_cancelling",
)


def test_judging_the_history_again_gives_the_same_verdicts(standard: Path, tmp_path: Path) -> None:
    assert run_command(["judge", str(standard / "history.jsonl"), "--report-dir", str(tmp_path), "-q"]) == 0
    live, again = outcomes(report_in(standard)), outcomes(report_in(tmp_path))
    decided = {id_: outcome for id_, outcome in live.items() if outcome in ("pass", "fail", "inconclusive")}
    # Whether a message or a run meets a queued run is a matter of milliseconds, and then seen once or not at all.
    for id_ in QUEUED:
        decided.pop(id_)
    assert {id_: again[id_] for id_ in decided} == decided


def test_its_traffic_recorded_by_a_proxy_passes(standard: Path, tmp_path: Path) -> None:
    """The HAR shows two clients with a key each, concurrent requests, and no purpose of any request."""
    history = str(standard / "history.jsonl")
    assert run_command(["report", history, "--report", "har", "--report-dir", str(tmp_path), "-q"]) == 0
    assert run_command(["judge", str(tmp_path / "history.har"), "--report-dir", str(tmp_path), "-q"]) == 0
    assert Counter(outcomes(report_in(tmp_path)).values())["pass"] >= 700


def test_partial_traffic_produces_no_false_positive(standard: Path) -> None:
    random, history_judge = Random(1), build_history_judge(RunOptions(partial=True))
    for history in load_traffic(standard / "history.jsonl").histories:
        whole = [replace(exchange, step=None) for exchange in history if exchange.operation is not None]
        for share in (0.9, 0.7, 0.5, 0.3):
            part = [exchange for exchange in whole if random.random() < share]
            found = judge_program(history.program, part, history_judge).tallies if part else {}
            failed = {id_: tally.findings for id_, tally in found.items() if tally.findings and level(id_) != "may"}
            assert not failed, history.program


def level(id_: str) -> str:
    requirement = rules().get(id_) or constraints()[id_]
    return requirement.level.value


def test_no_file_contains_an_api_key_of_the_emulator(standard: Path) -> None:
    for path in standard.iterdir():
        assert not re.search(r"sk-emulator-[0-9a-f]{8}", path.read_text()), path


@pytest.mark.parametrize("seed", range(3))
def test_no_rule_raises_on_garbled_responses(standard: Path, seed: int) -> None:
    random, every = Random(seed), garbled_histories.load_programs(standard / "history.jsonl")
    for _ in range(60):
        name = random.choice(list(every))
        result = judge_program(
            name, garbled_histories.garble_responses(every[name], random), build_history_judge(RunOptions())
        )
        assert result.internal_error is None
        assert [error for tally in result.tallies.values() for error in tally.errors] == []


def test_no_odd_value_in_a_response_is_an_internal_error(standard: Path) -> None:
    programs = garbled_histories.load_programs(standard / "history.jsonl")
    cases = {case.name: case for case in odd_members.odd_members(programs)}
    assert len(cases) > 1_000
    assert {name: found for name in fixed_sample(cases, 60) if (found := cases[name].problems(programs))} == {}


def test_damaged_histories_are_refused_or_incomplete(standard: Path, tmp_path: Path) -> None:
    lines = damaged_histories.small_history(standard / "history.jsonl")
    cases = {damage.name: damage for damage in damaged_histories.damages(lines)}
    assert len(cases) > 1_000
    sample = fixed_sample(cases, 40)
    assert {name: found for name in sample if (found := damaged_histories.problem(cases[name], lines, tmp_path))} == {}


@contextmanager
def serve_app(app: ASGIApp) -> Iterator[str]:
    ready = threading.Event()
    origins: list[str] = []

    def on_ready(origin: str) -> None:
        origins.append(origin)
        ready.set()

    threading.Thread(target=serve, args=(app, "127.0.0.1", 0, on_ready), daemon=True).start()
    assert ready.wait(10)
    yield origins[0] + BASE


def without(pattern: str) -> ASGIApp:
    """An emulator without the routes whose paths match."""
    app = build(EmulatorOptions(step_ms=1))

    async def partial(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and re.search(pattern, scope["path"]):
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return partial


def test_missing_operations_are_not_applicable(tmp_path: Path) -> None:
    with serve_app(without(r"/steps|/cancel\Z|/no-such-operation")) as url:
        code = run_command(
            ["run", url, "--api-key", "sk-1234567890", "--profile", "quick", "--report-dir", str(tmp_path), "-q"]
        )
    report = report_in(tmp_path)
    assert code == 0, report["exit_code"]
    assert not {"steps", "cancel"} & set(report["target"]["capabilities"])
    of = {
        verdict["capability"]: verdict["outcome"]
        for verdict in report["verdicts"]
        if verdict["capability"] in ("steps", "cancel")
    }
    assert set(of.values()) == {"not_applicable"}


def test_a_missing_core_operation_is_a_failure(tmp_path: Path) -> None:
    with serve_app(without(r"/runs/run_\w+\Z|/no-such-operation")) as url:
        code = run_command(
            ["run", url, "--api-key", "sk-1234567890", "--profile", "quick", "--report-dir", str(tmp_path), "-q"]
        )
    assert code == 1
    assert outcomes(report_in(tmp_path))["acceptance.assistants_threads_and_runs_can_be_read"] == "fail"


def test_an_exhausted_budget_exits_with_5(tmp_path: Path) -> None:
    assert run_command(["run", "--max-requests", "50", "--profile", "quick", "--report-dir", str(tmp_path), "-q"]) == 5
    report = report_in(tmp_path)
    assert report["complete"] is False
    assert report["counts"]["requests"] < 70


def test_a_selection_judges_nothing_else_and_sends_fewer_requests(tmp_path: Path) -> None:
    arguments = ["run", "--select", "list_runs.limit.*", "--report-dir", str(tmp_path), "-q"]
    assert run_command(arguments) == 0
    report = report_in(tmp_path)
    assert {id_ for id_, outcome in outcomes(report).items() if outcome == "pass"} <= {
        "list_runs.limit.type",
        "list_runs.limit.minimum",
        "list_runs.limit.maximum",
    }
    assert report["counts"]["requests"] < 60


def test_an_interrupted_run_reports_what_it_judged(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runs_conformance", "run", "--report-dir", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 20
        history = tmp_path / "history.jsonl"
        while time.monotonic() < deadline and not (history.exists() and history.stat().st_size > 200_000):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 130, output
    report = report_in(tmp_path)
    assert report["complete"] is False
    assert "pass" in outcomes(report).values()
