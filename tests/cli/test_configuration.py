"""`conformance.toml` as the command reads it: what wins over what, and that its keys go nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.live_run import FAR_WORKERS, NEAR_WORKERS
from runs_conformance.cli import run_command
from runs_conformance.cli.replay import command as replay
from runs_conformance.cli.run import command
from runs_conformance.config.key import KEYS
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine.plan import PHASES
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.program import GIVEN
from runs_conformance.reporting.view import NAMES
from tests.gateway import KEY, OTHER, gateway

CUT = ["--max-requests", "6", "-q", "--report-dir", "out"]


def outcome_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    return report


def given(arguments: list[str]) -> dict[str, Any]:
    """The options as the command would get them."""
    return command.make_context("run", list(arguments)).params


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("conformance.toml").write_text('base_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n[budget]\nmax_time = "5m"\n')
    assert given([])["base_url"] == "http://127.0.0.1:1/v1"
    assert given([])["model"] == "m"
    assert given([])["max_time"] == 300
    assert given(["--model", "n"])["model"] == "n"
    assert given([])["seed"] == 0
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    assert given([])["base_url"] == "http://127.0.0.1:2/v1"
    assert given(["http://127.0.0.1:3/v1"])["base_url"] == "http://127.0.0.1:3/v1"
    assert given(["--no-config"])["model"] == "gpt-4o"


def test_a_list_of_the_file_is_replaced_by_that_of_the_flags() -> None:
    Path("conformance.toml").write_text('select = ["create_run.*", "lifecycle.*"]')
    assert given([])["select"] == ("create_run.*", "lifecycle.*")
    assert given(["--select", "steps.*"])["select"] == ("steps.*",)


def test_the_file_may_be_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c.toml").write_text('[report]\ndir = "here"\n')
    assert given(["--config", "other/c.toml"])["report_dir"] == Path("other/here")
    assert run_command(["run", "--config", "none.toml"]) == 2
    assert run_command(["run", "--config", "other/c.toml", "--no-config"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[pacing]\nrate_limit = "fast"', "pacing.rate_limit 'fast': a rate is given as"),
        ('[report]\nviews = ["hmtl"]', "report.views: there is no view 'hmtl'; did you mean html"),
        ('select = ["create_rnu.*"]', "select 'create_rnu.*': nothing is called so"),
        ('exclude = ["zzz"]', "exclude 'zzz': nothing is called so"),
        ('base_url = "ftp://x"', "base_url 'ftp://x': it is not of the form"),
        ('path_prefix = "x"', "path_prefix 'x': it is not of the form"),
        ('[auth]\nkey_header = "X Key"', "auth.key_header 'X Key': it is not the name"),
        ('[auth]\napi_key = "env:NO_SUCH"', "auth.api_key env:NO_SUCH: the environment has no NO_SUCH"),
        ('[auth]\nsecond_api_key = "@none"', "auth.second_api_key @"),
        ('[headers]\n"X Team" = "blue"', "headers X Team: a header is given as"),
        ('[query]\nx = "env:NO_SUCH"', "query x: the environment has no NO_SUCH"),
        ("[capabilities]\ncore = false", "capabilities core: nothing is left"),
    ],
)
def test_what_the_file_says_is_blamed_on_the_file_and_the_key(
    text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = "" if "base_url" in text else 'base_url = "http://127.0.0.1:9/v1"\n'
    Path("conformance.toml").write_text(base + text)
    assert run_command(["run"]) == 2
    assert f"runs-conformance: conformance.toml: {says}" in capsys.readouterr().err


def test_what_a_flag_says_is_not_blamed_on_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("conformance.toml").write_text('[pacing]\nrate_limit = "fast"')
    assert run_command(["run", "http://127.0.0.1:9/v1", "--rate-limit", "slow"]) == 2
    assert capsys.readouterr().err.startswith("runs-conformance: --rate-limit 'slow': ")


def test_a_length_of_time_of_the_file_does_for_replay(tmp_path: Path) -> None:
    Path("conformance.toml").write_text('[timeouts]\nrequest = "90s"')
    assert replay.make_context("replay", [str(tmp_path)]).params["timeout"] == 90


def test_the_help_names_what_there_is() -> None:
    helps = {parameter.name: getattr(parameter, "help", None) or "" for parameter in command.params}
    known = {"phase": PHASES, "capability": CAPABILITIES, "prompt": PROMPTS, "use": GIVEN, "report": NAMES}
    assert f"{NEAR_WORKERS} on this machine, {FAR_WORKERS} elsewhere" in helps["workers"]
    assert {option: [name for name in names if name not in helps[option]] for option, names in known.items()} == {
        option: [] for option in known
    }


def test_help_is_given_whatever_the_file_says() -> None:
    Path("conformance.toml").write_text("no toml at all")
    assert run_command(["run", "--help"]) == 0
    assert run_command(["run", "--max-requests", "1"]) == 2


def test_every_key_is_a_flag_of_the_command() -> None:
    options = {parameter.name for parameter in command.params}
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert {key.option for key in KEYS.values()} - options == set()
    assert {key.flag for key in KEYS.values() if key.flag != "BASE_URL"} - flags == set()


def test_a_server_with_everything_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    (tmp_path / "second").write_text(f"{OTHER}\n")
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
    assert {seen.headers.get("x-team") for seen in gate.seen} == {"green"}
    assert not any(KEY in seen.headers.get("authorization", "") for seen in gate.seen)
    captured = capsys.readouterr()
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for key in (KEY, OTHER):
        assert key not in captured.out + captured.err + written


def test_keys_of_the_file_go_to_its_server_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    Path("conformance.toml").write_text(
        'base_url = "https://gateway.invalid/v1"\n[auth]\napi_key = "env:GATEWAY_KEY"\n'
        '[headers]\nX-Token = "env:GATEWAY_KEY"\n'
    )
    with gateway() as gate:
        assert run_command(["run", gate.url, *CUT]) == 3
        assert "--api-key, --header of it are not used here" in capsys.readouterr().err
        monkeypatch.setenv("OPENAI_BASE_URL", gate.url)
        assert run_command(["run", *CUT]) == 3
    assert gate.seen
    assert not any(KEY in value for seen in gate.seen for value in seen.headers.values())


def test_prompts_reach_the_model() -> None:
    Path("conformance.toml").write_text('[prompts]\nplain = "Say nothing but hello."\n')
    with gateway() as gate:
        run_command(["run", gate.url, "--api-key", KEY, "--phase", "lifecycle", "--max-requests", "40", "-q"])
    assert any(b"Say nothing but hello." in seen.body for seen in gate.seen)
