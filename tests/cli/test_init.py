"""`init`: what it discovers and writes, and that it leaves nothing behind."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.cli import run_command
from runs_conformance.config.file import load
from tests import fakes
from tests.gateway import KEY, NO_ROUTE, CannedResponse, GatewayRequest, error_response, gateway

FILE = Path("conformance.toml")


def written() -> dict[str, Any]:
    load(FILE)
    return tomllib.loads(FILE.read_text())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_complete_server(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as gate:
        assert run_command(["init", gate.url]) == 0
        assert len(gate.requests) <= 40
        assert gate.live_objects == set()
        assert gate.started_runs == 2
        output = capsys.readouterr().out
        assert written() == {
            "base_url": gate.url,
            "model": "gpt-4o",
            "auth": {"api_key": "env:OPENAI_API_KEY"},
            "capabilities": {"streaming": True},
        }
        assert KEY not in FILE.read_text() + output
        assert run_command(["run", "--select", "modify_run.*", "-q"]) == 0


def test_the_key_header_and_the_path_are_discovered() -> None:
    with gateway(mount="/gate/v1", key_header="api-key") as gate:
        assert run_command(["init", gate.url.removesuffix("/v1"), "--api-key", "env:OPENAI_API_KEY"]) == 0
    assert written()["base_url"] == gate.url
    assert written()["auth"] == {"api_key": "env:OPENAI_API_KEY", "key_header": "api-key"}


def test_flags_are_written_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken-of-the-gateway")
    with gateway(query={"tenant": "blue"}) as gate:
        headers = ["--header", "X-Team: green", "--header", "X-Token: env:TOKEN", "--header", "X-Secret: hidden-value"]
        arguments = [gate.url, "--query", "tenant=blue", *headers, "--api-key", KEY]
        assert run_command(["init", *arguments]) == 0
    assert written()["query"] == {"tenant": "blue"}
    assert written()["headers"] == {"X-Team": "green", "X-Token": "env:TOKEN"}
    assert written()["auth"]["api_key"] == "env:OPENAI_API_KEY"
    for secret in (KEY, "t0ken", "hidden-value"):
        assert secret not in FILE.read_text()


def test_missing_capabilities_are_noted() -> None:
    def lacking(seen: GatewayRequest) -> CannedResponse | None:
        if b'"stream":true' in seen.body:
            return error_response(400, "stream is not supported")
        return NO_ROUTE if seen.operation == "cancel_run" else None

    with gateway(refuse=lacking) as gate:
        assert run_command(["init", gate.url]) == 0
    assert "Missing when this was written: cancel, streaming." in FILE.read_text()
    assert "capabilities" not in written()


def test_an_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(refuse=lambda seen: error_response(400, "no such model") if b'"model"' in seen.body else None) as gate:
        assert run_command(["init", gate.url]) == 0
        assert gate.live_objects == set()
    assert "no run could be attempted" in capsys.readouterr().out


def test_an_existing_file_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    FILE.write_text("model = 'mine'")
    with gateway() as gate:
        assert run_command(["init", gate.url]) == 2
        assert not gate.requests
        assert "--force" in capsys.readouterr().err
        assert run_command(["init", gate.url, "--force"]) == 0
    assert written()["model"] == "gpt-4o"


def test_an_untestable_server_leaves_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    html = fakes.fixed_response_server(200, "text/html", b"<html><title>Welcome</title></html>")
    for server in (html, fakes.closed_port_url(), fakes.fixed_response_server(404, "text/plain", b"nothing")):
        with server as url:
            assert run_command(["init", url]) == 3
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with gateway() as gate:
        assert run_command(["init", gate.url, "--api-key", "sk-another-key-000000"]) == 3
        assert "refuses the API key" in capsys.readouterr().err
    assert not FILE.exists()


def test_text_of_the_server_is_escaped_in_the_file_and_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def refuses(seen: GatewayRequest) -> CannedResponse | None:
        return error_response(400, "no\x00 such\x1b[2J model\x7f \ud800") if seen.operation == "create_run" else None

    with gateway() as gate:
        gate.refuse = refuses
        assert run_command(["init", gate.url]) == 0
    assert written()["model"] == "gpt-4o"
    output = capsys.readouterr()
    for text in (FILE.read_text(), output.out):
        assert "no\\u0000 such\\u001b[2J model" in text
        assert "\x1b" not in text
