"""Commands, flags, files and programs in the guides work as shown."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from runs_conformance import baseline
from runs_conformance.cli import cli
from runs_conformance.config.file import load
from tests.repository.pages import PAGES, ROOT, blocks, commands, links, words
from tests.repository.test_readme import flags

HOW_TO = [page for page in PAGES if page.name != "README.md"]
LINES = [line for page in HOW_TO for line in commands(page)]


def names(page: Path) -> str:
    return page.stem


def test_expected_guides_exist() -> None:
    assert {names(page) for page in HOW_TO} >= {
        "gate-your-server", "run-against-a-real-api", "test-your-client", "judge-production-traffic",
    }  # fmt: skip
    assert len(LINES) >= 10


@pytest.mark.parametrize("line", LINES)
def test_each_command_is_accepted(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is parsed by the command itself, values and all; files that it names are there."""
    _, name, *rest = words(line)
    monkeypatch.chdir(tmp_path)
    for word in rest:
        if not word.startswith(("-", "http")) and ("/" in word or "." in word):
            path = Path(word.replace("*", "all"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        elif re.fullmatch(r"shard-\d", word):
            Path(word).mkdir(exist_ok=True)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.make_context(name, [word.replace("*", "all") for word in rest]).params


@pytest.mark.parametrize("page", HOW_TO, ids=names)
def test_each_named_flag_exists(page: Path) -> None:
    context = click.Context(cli)
    every = [cli.get_command(context, name) for name in cli.list_commands(context)]
    known = set().union(*(flags(command) for command in every if command is not None))
    assert set(re.findall(r"`(--[a-z-]+)", page.read_text(encoding="utf-8"))) <= known | {"--lf"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: "-".join(page.parts[-2:]))
def test_each_link_resolves(page: Path) -> None:
    assert all(target.exists() for target in links(page))


@pytest.mark.parametrize("text", [block for page in HOW_TO for block in blocks(page, "toml")])
def test_each_shown_file_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(text, encoding="utf-8")
    assert baseline.read(path).entries if "known" in tomllib.loads(text) else load(path).values


@pytest.mark.parametrize("text", [block for page in HOW_TO for block in blocks(page, "python")])
def test_each_shown_program_parses(text: str) -> None:
    assert ast.parse(text).body


@pytest.mark.slow
def test_shown_client_tests_pass(tmp_path: Path) -> None:
    (text,) = blocks(ROOT / "docs" / "how-to" / "test-your-client.md", "python")
    (tmp_path / "test_client.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "conformance")}
    arguments = ["-p", "runs_conformance.plugin", "-p", "no:schemathesis", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^4 passed", done.stdout, flags=re.M), done.stdout
