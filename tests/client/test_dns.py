"""Names are resolved in time, and the addresses are remembered."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from runs_conformance.client.dns import Resolver, SocketAddress
from tests.clock import SleepClock

HERE: list[SocketAddress] = [(socket.AF_INET, ("127.0.0.1", 80))]


def test_localhost_is_resolved() -> None:
    assert (socket.AF_INET, ("127.0.0.1", 80)) in Resolver().resolve("127.0.0.1", 80, 5)


def test_resolution_times_out() -> None:
    hangs = threading.Event()

    def ask(host: str, port: int) -> list[SocketAddress]:
        hangs.wait(30)
        return HERE

    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"looking up slow\.example took longer than 0\.1 s"):
        Resolver(ask).resolve("slow.example", 80, 0.1)
    assert time.monotonic() - began < 15
    hangs.set()


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_resolution_error_is_raised(error: Exception) -> None:
    def ask(host: str, port: int) -> list[SocketAddress]:
        raise error

    with pytest.raises(type(error)):
        Resolver(ask).resolve("nowhere.example", 80, 5)


def test_addresses_are_cached() -> None:
    asked: list[str] = []

    def ask(host: str, port: int) -> list[SocketAddress]:
        asked.append(host)
        return HERE

    clock = SleepClock()
    lookup = Resolver(ask, ttl=60, now=clock.now)
    for seconds in (0, 59, 2):
        clock.sleep(seconds)
        assert lookup.resolve("a.example", 80, 5) == HERE
    assert asked == ["a.example", "a.example"]
