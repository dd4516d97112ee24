"""Budgets hold by the count of the server."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, Gateway, gateway


def limited(gate: Gateway, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run_command(["run", gate.url, "--api-key", KEY, "--report-dir", "out", "-q", "--no-database", *arguments])
    report: dict[str, Any] = json.loads(Path("out/report.json").read_text())
    return code, report


def counted(gate: Gateway) -> Counter[str]:
    return Counter(seen.operation for seen in gate.requests)


@pytest.mark.parametrize("maximum", [1, 7, 40, 200])
def test_max_requests_holds_and_nothing_is_left_behind(maximum: int) -> None:
    with gateway() as gate:
        code, report = limited(gate, "--max-requests", str(maximum))
    assert code == 5
    assert maximum - 10 <= len(gate.requests) <= maximum
    assert report["counts"]["requests"] == len(gate.requests)
    assert gate.live_objects == set()


@pytest.mark.parametrize("maximum", [1, 37])
def test_max_requests_is_used_up_on_the_emulator_which_needs_no_cleanup(maximum: int) -> None:
    arguments = ["--max-requests", str(maximum), "--report-dir", "out", "-q", "--no-database"]
    assert run_command(["run", *arguments]) == 5
    assert json.loads(Path("out/report.json").read_text())["counts"]["requests"] == maximum


def test_unjudged_requirements_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        code, report = limited(gate, "--max-requests", "150")
    assert code == 5
    reasons = [each["reason"] or "" for each in report["verdicts"] if each["outcome"] in ("inconclusive", "not_judged")]
    assert sum("limit of 150 requests" in reason for reason in reasons) > 100
    unjudged = [each for each in report["verdicts"] if each["needs"] == "a complete test run"]
    assert all("limit of 150 requests" in each["reason"] for each in unjudged)
    assert unjudged[0]["id"] in capsys.readouterr().out


@pytest.mark.parametrize("maximum", [0, 1, 10])
def test_max_runs_holds(maximum: int) -> None:
    with gateway() as gate:
        code, report = limited(gate, "--max-runs", str(maximum), "--profile", "quick")
    assert code == 5
    assert gate.started_runs == report["counts"]["runs_started"] == maximum
    if not maximum:
        assert "create_run" not in counted(gate)


def test_max_tokens_holds() -> None:
    with gateway() as gate:
        code, report = limited(gate, "--max-tokens", "5000", "--profile", "quick")
    assert code == 5
    assert (report["counts"]["tokens"] or 0) <= 5_000
    assert 0 < gate.started_runs <= 30


def test_max_time_holds(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        code, report = limited(gate, "--max-time", "1s")
    assert code == 5
    assert report["counts"]["seconds"] < 10
    assert "limit of 1 seconds" in capsys.readouterr().out


def test_a_dry_run_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        assert run_command(["run", gate.url, "--dry-run", "--max-runs", "5", "--no-database"]) == 0
    assert not gate.requests
    text = capsys.readouterr().out
    assert "lifecycle" in text
    assert "boundary" in text
    assert "limited to 5 runs" in text
    assert not Path("reports").exists()


@pytest.mark.parametrize(("rate", "pattern"), [("60/min", r"up to \d+ minutes"), ("1000/s", r"up to \d s")])
def test_the_plan_states_the_time_at_a_rate_limit(capsys: pytest.CaptureFixture[str], rate: str, pattern: str) -> None:
    arguments = ["run", "http://server.invalid/v1", "--profile", "quick", "--dry-run", "--no-database"]
    assert run_command([*arguments, "--rate-limit", rate]) == 0
    assert re.search(pattern, capsys.readouterr().out)
    assert run_command(arguments) == 0
    assert "up to" not in capsys.readouterr().out


def test_the_plan_is_an_upper_bound(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        run_command(["run", gate.url, "--profile", "quick", "--dry-run"])
        total = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("all ")).split()
        run_command(["run", gate.url, "--profile", "quick", "--api-key", KEY, "-q"])
    programs, requests, runs = (int(number.replace(",", "")) for number in total[1:4])
    assert programs > 10
    assert len(gate.requests) <= requests
    assert gate.started_runs <= runs


def test_remote_servers_are_stressed_only_with_allow_stress(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "http://server.invalid/v1", "--dry-run", "--no-database"]
    assert run_command(arguments) == 0
    careful = capsys.readouterr().out
    assert "--allow-stress" in careful
    assert "robustness  " not in careful
    assert run_command([*arguments, "--allow-stress"]) == 0
    assert "robustness  " in capsys.readouterr().out


def test_the_cost_on_a_remote_server_is_printed_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "http://server.invalid/v1", "--timeout", "1"]) == 3
    assert "requests    runs" in capsys.readouterr().err
