"""Commands, flags, exit codes and figures in the README are correct."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runs_conformance.cli import cli
from runs_conformance.engine import outcome
from runs_conformance.generation.fuzzing import size

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every command line of ours in a block of the README."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.S)
    lines = [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]
    return [line for line in lines if re.match(r"(\.venv/bin/)?runs-conformance ", line)]


def flags(command: click.Command) -> set[str]:
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}


def test_the_readme_shows_commands() -> None:
    assert len(commands()) >= 6


@pytest.mark.parametrize("line", commands())
def test_each_command_exists_with_its_flags(line: str) -> None:
    _, name, *rest = shlex.split(line.split(" > ")[0])
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert {word for word in rest if word.startswith("-")} <= flags(command)


def test_each_named_flag_exists() -> None:
    context = click.Context(cli)
    every = [cli.get_command(context, name) for name in cli.list_commands(context)]
    known = set().union(*(flags(command) for command in every if command is not None)) | {"--help"}
    named = set(re.findall(r"`(--[a-z-]+)", README))
    assert named <= known


def test_exit_codes_match_the_engine() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.M)}
    stated = {value for name, value in vars(outcome).items() if name.isupper() and isinstance(value, int)}
    assert listed == stated


def test_fuzzing_sizes_are_those_of_the_generator() -> None:
    rows = re.findall(r"^\| .*\| ([\d,]+) \| ([\d,]+) \|$", README, flags=re.M)
    listed = [tuple(int(cell.replace(",", "")) for cell in row) for row in rows]
    assert listed == [(each.payloads, each.walks) for each in (size.SHARED_RUN, size.EXPLORE_ONLY, size.THOROUGH)]


def test_the_ci_script_finds_the_test_command() -> None:
    after = README.split("<!-- tests -->")[1]
    first = next(line for line in after.splitlines() if "pytest" in line)
    assert first.startswith("python3 -m venv")
    assert first.count(" && ") == 2


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README))))
def test_each_link_resolves(link: str) -> None:
    assert link.startswith("http") or (ROOT / link).exists()
