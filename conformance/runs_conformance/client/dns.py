"""Resolves host names within a timeout, which getaddrinfo does not support."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

SocketAddress = tuple[socket.AddressFamily, Any]
"""An address family, and an address in the form that `socket.connect` takes."""
Resolution = list[SocketAddress] | OSError | UnicodeError


class Resolver:
    """Resolves host names and caches the addresses for `ttl` seconds."""

    def __init__(
        self,
        getaddrinfo: Callable[[str, int], list[SocketAddress]] | None = None,
        ttl: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = getaddrinfo or _getaddrinfo
        self._keep = ttl
        self._now = now
        self._known: dict[tuple[str, int], tuple[float, list[SocketAddress]]] = {}

    def resolve(self, host: str, port: int, timeout: float) -> list[SocketAddress]:
        """The addresses of a host. Raises TimeoutError, or OSError or UnicodeError if it cannot be resolved."""
        known = self._known.get((host, port))
        if known is not None and self._now() < known[0]:
            return known[1]
        answer = self._answer(host, port, timeout)
        if not isinstance(answer, list):
            raise answer
        self._known[host, port] = (self._now() + self._keep, answer)
        return answer

    def _answer(self, host: str, port: int, seconds: float) -> Resolution:
        answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._ask(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        # getaddrinfo cannot be cancelled, so a thread that exceeds the timeout is abandoned.
        threading.Thread(target=ask, name="lookup", daemon=True).start()
        try:
            return answers.get(timeout=seconds)
        except queue.Empty:
            return TimeoutError(f"looking up {host} took longer than {seconds:.1f} s")


def _getaddrinfo(host: str, port: int) -> list[SocketAddress]:
    results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in results]
