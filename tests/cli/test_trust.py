"""No key goes to a server that only a file names, unless the user permits that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from runs_conformance.cli import run_command

HOST, URL = "api.example.invalid", "https://api.example.invalid/v1"


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs of the servers that commands are about to send to."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-trust-0123456789")
    urls: list[str] = []

    def stop(url: str) -> Callable[..., Any]:
        def sent(*arguments: object, **values: object) -> None:
            urls.append(url)
            raise click.ClickException("stopped by the test")

        return sent

    monkeypatch.setattr("runs_conformance.app.run.plan_run", stop("run"))
    monkeypatch.setattr("runs_conformance.app.replay.replay_failures", stop("replay"))
    monkeypatch.setattr("runs_conformance.app.cleanup.delete", stop("cleanup"))
    return urls


def _config(url: str = URL, more: str = "") -> list[str]:
    Path("conformance.toml").write_text(f'base_url = "{url}"\n{more}')
    return ["run"]


def _report(url: str = URL) -> list[str]:
    step = {"operation": "create_thread", "body": {}}
    finding = {"message": "m", "operation": "create_thread", "pointer": "", "exchange": "x1", "case": None}
    verdict = {
        "id": "threads.x", "outcome": "fail", "kind": "rule", "level": "must", "statement": "s", "findings": [finding],
        "counterexample": {"program": "p", "exchange": "x1", "steps": [step]},
    }  # fmt: skip
    report = {"target": {"name": HOST, "base_url": url, "dialect": "openai"}, "verdicts": [verdict]}
    Path("report.json").write_text(json.dumps(report))
    return ["replay", "report.json"]


def _history(url: str = URL) -> list[str]:
    header = {"type": "run", "base_url": url, "run_id": "r", "lasting": True, "given": {}}
    Path("history.jsonl").write_text(json.dumps(header) + "\n")
    return ["cleanup", "history.jsonl"]


COMMANDS = [_config, _report, _history]


@pytest.mark.parametrize("prepare", COMMANDS)
def test_without_a_terminal_it_is_a_usage_error(
    prepare: Callable[[], list[str]], opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = prepare()
    assert run_command(arguments) == 2
    assert opened == []
    problem = f"names the server {HOST}, and your API key would be sent to it; --trust-host {HOST} permits that"
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("prepare", COMMANDS)
def test_a_trusted_host_is_not_asked_about(prepare: Callable[[], list[str]], opened: list[str]) -> None:
    arguments = prepare()
    run_command([*arguments, "--trust-host", "other.example"])
    assert opened == []
    run_command([*arguments, "--trust-host", HOST.upper()])
    assert len(opened) == 1


@pytest.mark.parametrize("prepare", COMMANDS)
def test_the_environment_can_name_trusted_hosts(
    prepare: Callable[[], list[str]], opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS_CONFORMANCE_TRUST_HOST", f"other.example {HOST}")
    run_command(prepare())
    assert len(opened) == 1


@pytest.mark.parametrize("prepare", COMMANDS)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://localhost:9/v1", "http://[::1]:9/v1"])
def test_this_machine_is_trusted(prepare: Callable[[str], list[str]], url: str, opened: list[str]) -> None:
    run_command(prepare(url))
    assert len(opened) == 1


@pytest.mark.parametrize("prepare", COMMANDS)
def test_without_a_key_nothing_is_asked(
    prepare: Callable[[], list[str]], opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    run_command(prepare())
    assert len(opened) == 1


@pytest.mark.parametrize("setting", ["[auth]\napi_key", "[headers]\nX-Token"])
def test_secrets_that_the_file_names_are_asked_about(setting: str, opened: list[str]) -> None:
    run_command(_config(more=f'{setting} = "env:OPENAI_API_KEY"'))
    assert opened == []


def test_a_server_named_on_the_command_line_or_in_the_environment_is_not_asked_about(
    opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_command([*_config(), URL])
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    run_command(_config())
    run_command([*_report(), URL])
    run_command([*_history(), "--base-url", URL])
    assert len(opened) == 4


@pytest.mark.parametrize("agrees", [True, False])
@pytest.mark.parametrize("prepare", COMMANDS)
def test_a_terminal_is_asked(
    prepare: Callable[[], list[str]], agrees: bool, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []

    def confirm(text: str, **options: object) -> bool:
        questions.append(text)
        assert not options["default"]
        return agrees

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("runs_conformance.cli.trust.click.confirm", confirm)
    run_command(prepare())
    assert len(questions) == 1
    assert HOST in questions[0]
    assert len(opened) == int(agrees)


def test_names_that_resemble_this_machine_need_confirmation(opened: list[str]) -> None:
    for url in ("http://localhost.example.invalid/v1", "http://127.0.0.1.example.invalid/v1"):
        run_command(_config(url))
    assert opened == []
