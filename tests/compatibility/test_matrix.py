"""The installed Python client works with the emulator, and the committed table says the same of all others."""

from __future__ import annotations

import sys

from tests.compatibility.matrix import CLIENTS, PROGRAMS, TABLE, WORKS, read, render, run_program


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


def test_failing_program_is_reported() -> None:
    assert run_program([sys.executable, "-c", "raise ValueError('no')"]) == "ValueError: no"
