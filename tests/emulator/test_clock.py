"""The route that moves the emulator's clock."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.server_options import EmulatorOptions
from tests.emulator.conftest import EmulatorClient, Serve


def test_the_clock_needs_a_key(quick: EmulatorClient) -> None:
    answer = quick.send("POST", "/_emulator/clock", b'{"advance": 1}', {"authorization": None}, base="")
    assert answer.status == 401


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"\xff", *(b'{"advance": %s}' % value for value in (b"NaN", b"1e999", b"-1", b"true", b'"1"'))],
)
def test_only_a_number_of_seconds_moves_the_clock(raw: bytes, quick: EmulatorClient) -> None:
    assert quick.send("POST", "/_emulator/clock", raw, base="").status == 400


def test_the_clock_moves_a_bounded_time_in_all(serve_emulator: Serve) -> None:
    serve_app = serve_emulator(EmulatorOptions(step_ms=1))
    now = serve_app.send("POST", "/_emulator/clock", b'{"advance": 0}', base="").body["now"]
    for _ in range(3):
        serve_app.send("POST", "/_emulator/clock", b'{"advance": 900000000}', base="")
    assert serve_app.send("POST", "/_emulator/clock", b'{"advance": 0}', base="").body["now"] < now + 1.1e9
    assert serve_app.post("/threads")["created_at"] < now + 1.1e9


def test_a_large_body_is_refused(quick: EmulatorClient) -> None:
    assert quick.send("POST", "/_emulator/clock", b" " * 2_000, base="").status == 413
