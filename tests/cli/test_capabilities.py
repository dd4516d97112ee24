"""Servers that do not offer everything: what they lack is not applicable, unless it was declared."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, NO_ROUTE, Refusal, Seen, gateway, refusal


def streams(seen: Seen) -> Refusal | None:
    """Refuses streams, and says so."""
    wanted = b'"stream":true' in seen.body.replace(b" ", b"")
    return refusal(400, "Unsupported parameter: 'stream'.") if wanted else None


def cancelling(seen: Seen) -> Refusal | None:
    return NO_ROUTE if seen.operation == "cancel_run" else None


def judged(url: str, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the verdicts by id."""
    base = ["run", url, "--api-key", KEY, "--profile", "quick", "--report-dir", "out", "-q", "--no-database"]
    code = run_command([*base, *arguments])
    report = json.loads(Path("out/report.json").read_text())
    return code, {verdict["id"]: verdict for verdict in report["verdicts"]}


def outcomes(verdicts: dict[str, dict[str, Any]], capability: str) -> Counter[str]:
    return Counter(each["outcome"] for each in verdicts.values() if each["capability"] == capability)


def test_streams_that_are_clearly_refused_are_not_applicable() -> None:
    with gateway(refuses=streams) as gate:
        code, verdicts = judged(gate.url)
    assert code == 0
    assert outcomes(verdicts, "streaming").keys() == {"not_applicable"}
    assert verdicts["create_run.stream.type"]["outcome"] == "not_applicable"
    assert "refuses stream: true" in verdicts["create_run.stream.type"]["reason"]


def test_streams_that_are_declared_and_refused_are_a_failure() -> None:
    with gateway(refuses=streams) as gate:
        code, verdicts = judged(gate.url, "--capability", "streaming")
    assert code == 1
    broken = verdicts["acceptance.smallest_request_is_accepted"]
    assert "declared to offer streaming" in broken["findings"][0]["message"]
    assert outcomes(verdicts, "streaming")["not_applicable"] == 0


def test_an_operation_that_is_missing_is_not_applicable_unless_it_was_declared() -> None:
    select = ("--select", "acceptance.*", "--select", "cancel.*", "--select", "lifecycle.*")
    with gateway(refuses=cancelling) as gate:
        code, verdicts = judged(gate.url, *select)
        assert code == 0
        assert outcomes(verdicts, "cancel").keys() == {"not_applicable", "not_judged"}  # what was not selected
        code, verdicts = judged(gate.url, *select, "--capability", "cancel")
        assert code == 1
        broken = verdicts["acceptance.smallest_request_is_accepted"]
        assert "POST /threads/{thread_id}/runs/{run_id}/cancel" in broken["findings"][0]["message"]


def test_what_is_denied_is_neither_tried_nor_judged() -> None:
    with gateway() as gate:
        code, verdicts = judged(gate.url, "--no-capability", "create_and_run", "--no-capability", "streaming")
        assert code == 0
        assert outcomes(verdicts, "create_and_run").keys() == {"not_applicable"}
        assert outcomes(verdicts, "streaming").keys() == {"not_applicable"}


def test_a_flag_wins_over_what_the_file_says_of_a_capability() -> None:
    Path("conformance.toml").write_text("[capabilities]\nstreaming = false\n")
    with gateway(refuses=streams) as gate:
        code, _ = judged(gate.url, "--capability", "streaming")
    assert code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--capability", "streming"], "did you mean streaming"),
        (["--no-capability", "core"], "nothing is left"),
        (["--capability", "tools", "--no-capability", "tools"], "both name tools"),
    ],
)
def test_what_cannot_be_declared(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", *arguments]) == 2
    assert says in capsys.readouterr().err
