"""`init`: what it discovers and writes, and that it leaves nothing behind."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from runs_conformance.cli import run_command
from runs_conformance.config.file import load
from tests import fakes
from tests.gateway import DROPPED, KEY, NO_ROUTE, CannedResponse, GatewayRequest, error_response, gateway

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


@pytest.mark.parametrize("flags", [["--dialect", "azure-openai"], []])
def test_a_url_that_ends_in_v1_without_need_is_shortened(flags: list[str]) -> None:
    with gateway(mount="/openai" if flags else "/gate", key_header="api-key" if flags else "authorization") as gate:
        base_url = gate.url.removesuffix("/openai")
        assert run_command(["init", f"{base_url}/v1", *flags, "--api-key", "env:OPENAI_API_KEY"]) == 0
    assert written()["base_url"] == base_url


def test_a_url_that_ends_in_v1_and_has_no_api_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(mount="/elsewhere") as gate:
        assert run_command(["init", gate.url.replace("/elsewhere", "/v1")]) == 3
    assert "check the base URL, which may have to end before /v1" in capsys.readouterr().err


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


def test_unknown_ids_do_not_count_as_missing_routes() -> None:
    with gateway(refuse=lambda seen: NO_ROUTE if "0000000000" in seen.path else None) as gate:
        assert run_command(["init", gate.url]) == 0
    assert "Missing" not in FILE.read_text()


def test_a_missing_operation_is_named_by_its_route(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(refuse=lambda seen: NO_ROUTE if seen.operation == "modify_run" else None) as gate:
        assert run_command(["init", gate.url]) == 0
    route = "POST /threads/{thread_id}/runs/{run_id}"
    assert f"Missing operations when this was written: {route}." in FILE.read_text()
    assert f"the target has no {route}" in capsys.readouterr().out


def test_a_server_that_dies_is_described_as_far_as_it_answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs_conformance.app.discover.RESTART_PAUSES", (0.0,))
    dead: list[str] = []

    def dies(seen: GatewayRequest) -> CannedResponse | None:
        dead.extend([seen.operation] if b"stream" in seen.body else [])
        return DROPPED if dead else None

    with gateway(refuse=dies) as gate:
        assert run_command(["init", gate.url]) == 0
    output = capsys.readouterr().out
    assert "the server stopped responding: POST /threads/{thread_id}/runs got no response" in output
    assert "the last request it answered was POST /threads/{thread_id}/messages" in output
    assert "The server stopped responding" in FILE.read_text()
    assert written()["base_url"] == gate.url


def test_a_request_that_is_lost_once_does_not_end_the_survey(capsys: pytest.CaptureFixture[str]) -> None:
    lost: list[GatewayRequest] = []

    def loses(seen: GatewayRequest) -> CannedResponse | None:
        if seen.operation != "modify_thread" or lost:
            return None
        lost.append(seen)
        return DROPPED

    with gateway(refuse=loses) as gate:
        assert run_command(["init", gate.url]) == 0
    output = capsys.readouterr().out
    assert "POST /threads/{thread_id} got no response" in output
    assert "a run of gpt-4o was started" in output


def test_a_server_error_is_not_attributed_to_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(seen: GatewayRequest) -> CannedResponse | None:
        return error_response(500, "boom") if seen.operation.startswith("create_run") else None

    with gateway(refuse=fails) as gate:
        assert run_command(["init", gate.url]) == 0
    assert "is the model correct" not in FILE.read_text()
    assert "A run failed: HTTP 500: boom." in FILE.read_text()
    assert "a run of gpt-4o failed: HTTP 500: boom" in capsys.readouterr().out


def test_the_key_header_is_written_only_if_the_key_is_checked() -> None:
    first: list[GatewayRequest] = []

    def flaky(seen: GatewayRequest) -> CannedResponse | None:
        # The first two requests fail, so that the server seems not to know the usual header.
        first.append(seen)
        return error_response(500, "starting") if len(first) <= 2 else None

    with gateway(refuse=flaky, key_header="") as gate:
        assert run_command(["init", gate.url]) == 0
    assert written()["auth"] == {"api_key": "env:OPENAI_API_KEY"}
    assert "The server serves requests without a key." in FILE.read_text()


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


def test_the_form_of_runs_that_the_server_needs_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    def needs_a_model(seen: GatewayRequest) -> CannedResponse | None:
        creates_run = seen.operation in ("create_run", "create_thread_and_run")
        return error_response(400, "model is required") if creates_run and b'"model"' not in seen.body else None

    with gateway(refuse=needs_a_model) as gate:
        assert run_command(["init", gate.url]) == 0
        assert gate.live_objects == set()
    assert "# Runs are created with model; the smallest form got HTTP 400" in FILE.read_text()
    assert "runs are created with model" in capsys.readouterr().out
    assert written()["model"] == "gpt-4o"


def test_a_listed_assistant_is_used_if_none_can_be_created() -> None:
    creations: list[GatewayRequest] = []

    def creates_one(seen: GatewayRequest) -> CannedResponse | None:
        if seen.operation != "create_assistant":
            return None
        creations.append(seen)
        return NO_ROUTE if len(creations) > 1 else None

    with gateway(refuse=creates_one) as gate:
        response = httpx.post(
            f"{gate.url}/assistants",
            json={"model": "gpt-4o"},
            headers={"Authorization": f"Bearer {KEY}", "OpenAI-Beta": "assistants=v2"},
        )
        assert run_command(["init", gate.url]) == 0
    assert written()["use"] == {"assistant": response.json()["id"]}
