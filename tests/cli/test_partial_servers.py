"""Servers that lack operations, ignore keys or do not survive a request: what is judged, and how it is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from tests.gateway import DROPPED, KEY, NO_ROUTE, SECOND_KEY, CannedResponse, GatewayRequest, gateway

NOT_IMPLEMENTED: CannedResponse = (501, b'{"detail":"Not Implemented"}')


def judge(url: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    keys = ["--api-key", KEY, "--second-api-key", SECOND_KEY]
    code = run_command(["run", url, *keys, "--report-dir", "out", "--no-database", *arguments])
    report: dict[str, Any] = json.loads((Path("out") / "report.json").read_text())
    return code, report


def decided(report: dict[str, Any], capability: str) -> set[str]:
    return {
        each["id"]
        for each in report["verdicts"]
        if each["capability"] == capability and each["outcome"] in ("pass", "fail")
    }


@pytest.mark.parametrize("missing", [NO_ROUTE, NOT_IMPLEMENTED])
def test_access_is_judged_on_the_operations_that_exist(
    missing: CannedResponse, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(seen: GatewayRequest) -> CannedResponse | None:
        return missing if "step" in seen.operation or seen.operation.endswith("_message") else None

    with gateway(refuse=lacks) as gate:
        code, report = judge(gate.url, "--select", "auth.*", "--select", "tenancy.*")
    assert code == 0
    assert "auth.nothing_is_served_without_a_key" in decided(report, "auth")
    assert "tenancy.objects_are_their_tenants_own" in decided(report, "tenancy")
    assert report["target"]["not_offered"]["capabilities"] == ["steps", "messages"]
    second_line = capsys.readouterr().out.splitlines()[1]
    assert second_line.startswith("conforms in ")
    assert "not offered: steps, messages" in second_line


def test_a_server_that_ignores_keys_does_not_offer_authentication() -> None:
    with gateway(key_header="") as gate:
        code, report = judge(gate.url, "--select", "auth.*")
    assert code == 0
    assert report["target"]["not_offered"]["capabilities"] == ["auth"]


def test_a_request_that_is_not_survived_is_named_and_can_be_sent_again(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(refuse=lambda seen: DROPPED if b'"stream":true' in seen.body else None) as gate:
        code, report = judge(gate.url, "--select", "streaming.*", "--select", "lifecycle.*")
    assert code == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("INCONCLUSIVE: the target does not survive stream: true: no response 2 times (first x")
    exchange = report["not_sent_again"][0]["exchange"]
    assert f"to send {exchange} again:" in lines
    assert any("curl" in line and '"stream": true' in line for line in lines)
    assert report["lost_requests"][0]["exchange"] == exchange
