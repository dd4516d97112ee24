"""Each dialect against the emulator, mounted like a server of that dialect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from tests.gateway import KEY, SECOND_KEY, CannedResponse, GatewayRequest, error_response, gateway

SOME = ["--select", "modify_run.*", "--select", "create_thread.*", "-q", "--no-database"]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("CONFORMANCE_SECOND_API_KEY", SECOND_KEY)


@pytest.mark.parametrize("given", ["", "/openai", "/openai/deployments/gpt-4o"])
def test_azure_openai(given: str) -> None:
    mount = given or "/openai"
    with gateway(mount=mount, key_header="api-key", query={"api-version": "2024-07-01-preview"}) as gate:
        url = gate.url.removesuffix(mount) + given
        assert run_command(["run", url, "--dialect", "azure-openai", *SOME]) == 0
    assert {seen.headers.get("authorization") for seen in gate.requests} == {None}


def test_another_api_version_of_azure_openai() -> None:
    with gateway(mount="/openai", key_header="api-key", query={"api-version": "2025-01-01-preview"}) as gate:
        url = f"{gate.url}?api-version=2025-01-01-preview"
        assert run_command(["run", url, "--dialect", "azure-openai", *SOME]) == 0


def test_azure_foundry_agents() -> None:
    mount = "/api/projects/blue"
    with gateway(mount=mount, query={"api-version": "v1"}) as gate:
        arguments = [gate.url, "--dialect", "azure-foundry-agents", "--query", "api-version=v1"]
        assert run_command(["run", *arguments, *SOME]) == 0


def test_a_gateway_configured_by_the_file() -> None:
    with gateway(mount="/llm/assistants", key_header="x-key", query={"tenant": "blue"}) as gate:
        Path("conformance.toml").write_text(
            f"""
            base_url = "{gate.url.removesuffix("/llm/assistants")}"
            path_prefix = "/llm/assistants"
            [auth]
            key_header = "X-Key"
            [query]
            tenant = "blue"
            """
        )
        assert run_command(["run", *SOME]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path-prefix", "no-slash"], "write it like /some/path"),
        (["--path-prefix", "/a b"], "write it like /some/path"),
        (["--key-header", "no header"], "not the name of a header"),
        (["--query", "nothing"], "name=value"),
    ],
)
def test_invalid_conventions_are_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", "http://127.0.0.1:9/v1", *arguments]) == 2
    assert message in capsys.readouterr().err


SECRET = "s3cret-in-a-place-of-its-own"


def by_query(seen: GatewayRequest) -> str | None:
    return seen.query.get("subscription")


def by_header(seen: GatewayRequest) -> str | None:
    return seen.headers.get("x-gateway")


@pytest.mark.parametrize(
    ("carried", "flags"), [(by_query, "--query=subscription="), (by_header, "--header=X-Gateway:")]
)
def test_a_key_in_a_query_or_header_is_redacted_and_omitted_from_anonymous_requests(
    carried: Callable[[GatewayRequest], str | None],
    flags: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("CONFORMANCE_SECOND_API_KEY")
    monkeypatch.setenv("PLACE", SECRET)

    def refuses(seen: GatewayRequest) -> CannedResponse | None:
        return None if carried(seen) == SECRET else error_response(401, f"no: {carried(seen)}")

    with gateway(key_header="", refuse=refuses, ignored_parameters=("subscription",)) as gate:
        arguments = [gate.url, f"{flags}env:PLACE", "--phase", "security", "--select", "auth.*", "-v"]
        assert run_command(["run", *arguments, "--report-dir", "out", "--no-database"]) == 0
    assert {carried(seen) for seen in gate.requests} == {SECRET, None}
    captured = capsys.readouterr()
    written = "".join(path.read_text() for path in Path("out").iterdir())
    assert SECRET not in captured.out + captured.err + written
