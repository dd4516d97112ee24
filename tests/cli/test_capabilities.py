"""Missing capabilities are not applicable, unless they are declared."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, NO_ROUTE, CannedResponse, GatewayRequest, error_response, gateway


def streams(seen: GatewayRequest) -> CannedResponse | None:
    """Refuse streams with an error that says so."""
    wanted = b'"stream":true' in seen.body.replace(b" ", b"")
    return error_response(400, "Unsupported parameter: 'stream'.") if wanted else None


def cancelling(seen: GatewayRequest) -> CannedResponse | None:
    return NO_ROUTE if seen.operation == "cancel_run" else None


def judged(url: str, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the suite; return the exit code and the verdicts by id."""
    base = ["run", url, "--api-key", KEY, "--profile", "quick", "--report-dir", "out", "-q", "--no-database"]
    code = run_command([*base, *arguments])
    report = json.loads(Path("out/report.json").read_text())
    return code, {verdict["id"]: verdict for verdict in report["verdicts"]}


def outcomes(verdicts: dict[str, dict[str, Any]], capability: str) -> Counter[str]:
    return Counter(each["outcome"] for each in verdicts.values() if each["capability"] == capability)


def test_refused_streams_are_not_applicable() -> None:
    with gateway(refuse=streams) as gate:
        code, verdicts = judged(gate.url)
    assert code == 0
    assert outcomes(verdicts, "streaming").keys() == {"not_applicable", "pass"}
    passed = {id_ for id_, each in verdicts.items() if each["capability"] == "streaming" and each["outcome"] == "pass"}
    # Without a stream, too, these are judged on what was seen.
    assert passed <= {"refusals.a_refused_stream_is_answered_plainly", "streaming.no_stream_comes_unasked"}
    assert "refuses stream: true" in verdicts["streaming.a_stream_ends_with_done"]["reason"]


def test_declared_streams_that_are_refused_are_a_failure() -> None:
    with gateway(refuse=streams) as gate:
        code, verdicts = judged(gate.url, "--capability", "streaming")
    assert code == 1
    broken = verdicts["acceptance.smallest_request_is_accepted"]
    assert "streaming is declared as offered" in broken["findings"][0]["message"]
    assert outcomes(verdicts, "streaming")["not_applicable"] == 0


def test_a_missing_operation_is_not_applicable_unless_declared() -> None:
    select = ("--select", "acceptance.*", "--select", "cancel.*", "--select", "lifecycle.*")
    with gateway(refuse=cancelling) as gate:
        code, verdicts = judged(gate.url, *select)
        assert code == 0
        # Requirements that need no cancel request are still judged, such as that no run is cancelled unasked.
        assert outcomes(verdicts, "cancel").keys() <= {"not_applicable", "not_judged", "pass"}
        passed = {id_ for id_, each in verdicts.items() if each["capability"] == "cancel" and each["outcome"] == "pass"}
        assert all(id_.startswith("cancel.") and verdicts[id_]["operation"] is None for id_ in passed), passed
        code, verdicts = judged(gate.url, *select, "--capability", "cancel")
        assert code == 1
        broken = verdicts["acceptance.smallest_request_is_accepted"]
        assert "POST /threads/{thread_id}/runs/{run_id}/cancel" in broken["findings"][0]["message"]


def test_capabilities_declared_absent_are_neither_requested_nor_judged() -> None:
    with gateway() as gate:
        code, verdicts = judged(gate.url, "--no-capability", "create_and_run", "--no-capability", "streaming")
        assert code == 0
        assert outcomes(verdicts, "create_and_run").keys() == {"not_applicable"}
        assert outcomes(verdicts, "streaming").keys() == {"not_applicable"}


def test_a_capability_flag_overrides_the_file() -> None:
    Path("conformance.toml").write_text("[capabilities]\nstreaming = false\n")
    with gateway(refuse=streams) as gate:
        code, _ = judged(gate.url, "--capability", "streaming")
    assert code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--capability", "streming"], "did you mean streaming"),
        (["--no-capability", "core"], "there is nothing to judge"),
        (["--capability", "tools", "--no-capability", "tools"], "both name tools"),
    ],
)
def test_invalid_declarations_are_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_what_will_be_left_on_the_target_is_said_before_the_programs_start(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(refuse=lambda seen: (405, b"{}") if seen.operation == "delete_thread" else None) as gate:
        run_command(["run", gate.url, "--api-key", KEY, "--select", "lock.*", "--report-dir", "out", "--no-database"])
    lines = capsys.readouterr().err.splitlines()
    announced = next(number for number, line in enumerate(lines) if "the target deletes no threads: about" in line)
    assert announced < next(number for number, line in enumerate(lines) if "running" in line)
    assert any("left on the target: thread" in line for line in lines)


def test_nothing_is_said_about_a_target_that_deletes_its_objects(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        run_command(["run", gate.url, "--api-key", KEY, "--select", "lock.*", "--report-dir", "out", "--no-database"])
    assert "left on" not in capsys.readouterr().err
    assert gate.live_objects == set()
