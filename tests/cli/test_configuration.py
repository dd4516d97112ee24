"""`conformance.toml` on the command line: precedence, and that its API keys reach only its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.live_run import LOCAL_WORKERS, REMOTE_WORKERS
from runs_conformance.cli import run_command
from runs_conformance.cli.replay import command as replay
from runs_conformance.cli.run import command
from runs_conformance.config.key import KEYS
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.profile import PHASES
from runs_conformance.model.program import USABLE_KINDS
from runs_conformance.reporting.view import NAMES
from tests.gateway import KEY, SECOND_KEY, gateway

CUT = ["--max-requests", "6", "-q", "--report-dir", "out"]


def outcome_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    return report


def parse(arguments: list[str]) -> dict[str, Any]:
    """Parse arguments into the parameters of the command."""
    return command.make_context("run", list(arguments)).params


def test_flags_override_the_environment_and_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("conformance.toml").write_text('base_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n[budget]\nmax_time = "5m"\n')
    assert parse([])["base_url"] == "http://127.0.0.1:1/v1"
    assert parse([])["model"] == "m"
    assert parse([])["max_time"] == 300
    assert parse(["--model", "n"])["model"] == "n"
    assert parse([])["seed"] == 0
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    assert parse([])["base_url"] == "http://127.0.0.1:2/v1"
    assert parse(["http://127.0.0.1:3/v1"])["base_url"] == "http://127.0.0.1:3/v1"
    assert parse(["--no-config"])["model"] == "gpt-4o"


def test_a_list_of_flags_replaces_that_of_the_file() -> None:
    Path("conformance.toml").write_text('select = ["create_run.*", "lifecycle.*"]')
    assert parse([])["select"] == ("create_run.*", "lifecycle.*")
    assert parse(["--select", "steps.*"])["select"] == ("steps.*",)


def test_the_file_may_be_in_another_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c.toml").write_text('[report]\ndir = "here"\n')
    assert parse(["--config", "other/c.toml"])["report_dir"] == Path("other/here")
    assert run_command(["run", "--config", "none.toml"]) == 2
    assert run_command(["run", "--config", "other/c.toml", "--no-config"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[pacing]\nrate_limit = "fast"', "pacing.rate_limit 'fast': write a rate as"),
        ('[report]\nviews = ["hmtl"]', "report.views: no view 'hmtl'; did you mean html"),
        ('select = ["create_rnu.*"]', "select 'create_rnu.*' matches no rule, constraint or program"),
        ('exclude = ["zzz"]', "exclude 'zzz' matches no rule, constraint or program"),
        ('base_url = "ftp://x"', "base_url 'ftp://x': write it like"),
        ('path_prefix = "x"', "path_prefix 'x': write it like"),
        ('[auth]\nkey_header = "X Key"', "auth.key_header 'X Key': not the name"),
        ('[auth]\napi_key = "env:NO_SUCH"', "auth.api_key env:NO_SUCH: the environment variable NO_SUCH is not set"),
        ('[auth]\nsecond_api_key = "@none"', "auth.second_api_key @"),
        ('[headers]\n"X Team" = "blue"', "headers X Team: write a header as"),
        ('[query]\nx = "env:NO_SUCH"', "query x: the environment variable NO_SUCH is not set"),
        ("[capabilities]\ncore = false", "capabilities core: without the core"),
    ],
)
def test_an_error_in_the_file_names_the_file_and_the_key(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = "" if "base_url" in text else 'base_url = "http://127.0.0.1:9/v1"\n'
    Path("conformance.toml").write_text(base + text)
    assert run_command(["run"]) == 2
    assert f"runs-conformance: conformance.toml: {message}" in capsys.readouterr().err


def test_an_error_in_a_flag_does_not_name_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("conformance.toml").write_text('[pacing]\nrate_limit = "fast"')
    assert run_command(["run", "http://127.0.0.1:9/v1", "--rate-limit", "slow"]) == 2
    assert capsys.readouterr().err.startswith("runs-conformance: --rate-limit 'slow': ")


def test_replay_reads_durations_of_the_file(tmp_path: Path) -> None:
    Path("conformance.toml").write_text('[timeouts]\nrequest = "90s"')
    assert replay.make_context("replay", [str(tmp_path)]).params["timeout"] == 90


def test_the_help_lists_all_names() -> None:
    helps = {parameter.name: getattr(parameter, "help", None) or "" for parameter in command.params}
    known = {"phases": PHASES, "capabilities": CAPABILITIES, "prompts": PROMPTS, "use": USABLE_KINDS, "report": NAMES}
    assert f"{LOCAL_WORKERS} for a local server, {REMOTE_WORKERS} for a remote one" in helps["workers"]
    assert {option: [name for name in names if name not in helps[option]] for option, names in known.items()} == {
        option: [] for option in known
    }


def test_help_ignores_an_invalid_file() -> None:
    Path("conformance.toml").write_text("no toml at all")
    assert run_command(["run", "--help"]) == 0
    assert run_command(["run", "--max-requests", "1"]) == 2


def test_every_key_sets_a_parameter_of_the_command() -> None:
    options = {parameter.name for parameter in command.params}
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert {key.option for key in KEYS.values()} - options == set()
    assert {key.flag for key in KEYS.values() if key.flag != "BASE_URL"} - flags == set()


def test_a_server_with_unusual_conventions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    (tmp_path / "second").write_text(f"{SECOND_KEY}\n")
    with gateway(mount="/llm/v1", key_header="x-gateway-key", query={"tenant": "blue"}) as gate:
        (tmp_path / "conformance.toml").write_text(
            f"""
            base_url = "{gate.url.removesuffix("/llm/v1")}"
            path_prefix = "/llm/v1"
            profile = "quick"
            select = ["auth.*", "lifecycle.*"]
            [auth]
            api_key = "env:GATEWAY_KEY"
            second_api_key = "@second"
            key_header = "X-Gateway-Key"
            [query]
            tenant = "blue"
            [headers]
            X-Team = "green"
            [report]
            dir = "out"
            """
        )
        assert run_command(["run", "-v"]) == 0
    assert {seen.headers.get("x-team") for seen in gate.requests} == {"green"}
    assert not any(KEY in seen.headers.get("authorization", "") for seen in gate.requests)
    captured = capsys.readouterr()
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for key in (KEY, SECOND_KEY):
        assert key not in captured.out + captured.err + written


def test_api_keys_of_the_file_reach_only_its_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    Path("conformance.toml").write_text(
        'base_url = "https://gateway.invalid/v1"\n[auth]\napi_key = "env:GATEWAY_KEY"\n'
        '[headers]\nX-Token = "env:GATEWAY_KEY"\n'
    )
    with gateway() as gate:
        assert run_command(["run", gate.url, *CUT]) == 3
        assert "is for another server; ignored here: --api-key, --header" in capsys.readouterr().err
        monkeypatch.setenv("OPENAI_BASE_URL", gate.url)
        assert run_command(["run", *CUT]) == 3
    assert gate.requests
    assert not any(KEY in value for seen in gate.requests for value in seen.headers.values())


def test_prompts_reach_the_model() -> None:
    Path("conformance.toml").write_text('[prompts]\nplain = "Say nothing but hello."\n')
    with gateway() as gate:
        run_command(["run", gate.url, "--api-key", KEY, "--phase", "lifecycle", "--max-requests", "40", "-q"])
    assert any(b"Say nothing but hello." in seen.body for seen in gate.requests)
