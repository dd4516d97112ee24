"""The help describes every flag, in titled groups, and its examples are valid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click
import pytest

from runs_conformance.cli import cli, run_command
from runs_conformance.cli.help import GATE, LIMITS, OTHER, OUTPUT, SCOPE, TARGET, GroupedCommand, GroupedOption
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.reporting import view

NAMES = cli.list_commands(click.Context(cli))


def command(name: str) -> GroupedCommand:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, GroupedCommand)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_flag_has_a_sentence(name: str) -> None:
    options = [each for each in command(name).params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help or not each.help.endswith(".")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: value)
    for _, line in command(name).examples:
        program, called, *arguments = shlex.split(line)
        assert (program, called) == ("runs-conformance", name)
        command(name).make_context(name, arguments)


def test_the_options_of_run_are_grouped() -> None:
    groups = {each.group for each in command("run").params if isinstance(each, GroupedOption)}
    assert groups == {TARGET, SCOPE, LIMITS, OUTPUT, GATE}


def test_run_shows_three_examples_before_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "--help"]) == 0
    text = capsys.readouterr().out
    titles = ["Examples:", *(f"{name}:" for name in (TARGET, SCOPE, LIMITS, OUTPUT, GATE, OTHER))]
    places = [text.splitlines().index(title) for title in titles]
    assert places == sorted(places)
    assert text.count("  runs-conformance run ") == 3


def test_judge_states_its_own_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["judge", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Default: the contract in force on the date of each exchange." in text
    assert "Default: none is written; with --report, reports/<run-id>/." in text


@pytest.mark.parametrize(
    ("name", "without"),
    [("run", []), ("proxy", []), ("judge", ["har"]), ("report", ["history"]), ("merge", ["har", "history"])],
)
def test_report_offers_the_views_that_the_command_writes(name: str, without: Sequence[str]) -> None:
    options = (each for each in command(name).params if isinstance(each, click.Option))
    text = next(each.help or "" for each in options if each.name == "report")
    offered, default = (re.split(", ?", names) for names in re.findall(r": ([\w, ]+)\.", text))
    assert sorted([*offered, *without]) == sorted(view.NAMES)
    assert default == [each for each in view.DEFAULT if each not in without]


def test_serve_states_the_defaults_of_the_emulator() -> None:
    defaults = EmulatorOptions()
    helps = {each.name: each.help or "" for each in command("serve").params if isinstance(each, click.Option)}
    for name in ("step_ms", "expires_s", "failing_model"):
        assert helps[name].endswith(f" Default: {getattr(defaults, name)}.")
