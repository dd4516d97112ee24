"""The official clients work with the emulator, and the committed table says the same of the frameworks."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.compatibility.matrix import CLIENTS, PROGRAMS, TABLE, WORKS, Client, check, read, render, run_program

OFFICIAL = ("python_client.py", "node_client.mjs")


def test_every_client_has_a_row_and_works() -> None:
    rows = read()
    assert [*rows] == [client.name for client in CLIENTS]
    for client in CLIENTS:
        row = rows[client.name]
        assert (row.purpose, row.result) == (client.purpose, WORKS)
        assert row.version
    assert TABLE.with_suffix(".md").read_text("utf-8") == render(rows)


def test_installed_client_works() -> None:
    assert run_program([sys.executable, str(PROGRAMS / "python_client.py")]) == WORKS


@pytest.mark.slow
@pytest.mark.parametrize(
    "client", [one for one in CLIENTS if one.program in OFFICIAL and one.requirements != ("openai",)], ids=str
)
def test_official_client_works(client: Client, tmp_path: Path) -> None:
    if client.is_node and shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    row = check(client, tmp_path)
    if not row.version:
        pytest.skip(row.result)
    assert row.result == WORKS


def test_failing_program_is_reported() -> None:
    assert run_program([sys.executable, "-c", "raise ValueError('no')"]) == "ValueError: no"
