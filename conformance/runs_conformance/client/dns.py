"""Host names looked up within a deadline, which the system's own look-up does not keep."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

Place = tuple[socket.AddressFamily, Any]
"""A family of addresses, and an address as sockets take it."""
Answer = list[Place] | OSError | UnicodeError


class Lookup:
    """Looks up host names, and remembers what it found for a while."""

    def __init__(
        self,
        ask: Callable[[str, int], list[Place]] | None = None,
        keep: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask or _asked
        self._keep = keep
        self._now = now
        self._known: dict[tuple[str, int], tuple[float, list[Place]]] = {}

    def places(self, host: str, port: int, seconds: float) -> list[Place]:
        """Where a host is. Raises TimeoutError where that takes long, OSError or UnicodeError where there is none."""
        known = self._known.get((host, port))
        if known is not None and self._now() < known[0]:
            return known[1]
        answer = self._answer(host, port, seconds)
        if not isinstance(answer, list):
            raise answer
        self._known[host, port] = (self._now() + self._keep, answer)
        return answer

    def _answer(self, host: str, port: int, seconds: float) -> Answer:
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._ask(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        # Nothing can end the system's look-up, so a thread is left behind with it.
        threading.Thread(target=ask, name="lookup", daemon=True).start()
        try:
            return answers.get(timeout=seconds)
        except queue.Empty:
            return TimeoutError(f"looking up {host} took longer than {seconds:.1f} s")


def _asked(host: str, port: int) -> list[Place]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
