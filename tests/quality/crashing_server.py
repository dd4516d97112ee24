"""A server that crashes during a test run and restarts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

from tests.client.hostile import Connection
from tests.quality.hostile_server import emulator_response

REQUESTS_UNTIL_CRASH = 150
DOWNTIME_S = 2.0


def crashing_server(emulator: str) -> Iterator[str]:
    """Serve the responses of an emulator; yields the base URL. After some requests the server is down for a while."""
    stopping = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    sockets = _Sockets(listener)

    def handle(peer: socket.socket) -> None:
        connection = Connection(peer, 0, stopping)
        with suppress(OSError):
            while (request := connection.request()) is not None:
                if sockets.count_request():
                    return
                connection.send(emulator_response(emulator, request))
        with suppress(OSError):
            peer.close()

    def accept() -> None:
        while not stopping.is_set():
            try:
                peer, _ = sockets.listener.accept()
            except OSError:
                if stopping.wait(DOWNTIME_S):
                    return
                sockets.listener = socket.create_server(("127.0.0.1", port))
                continue
            sockets.peers.append(peer)
            threading.Thread(target=handle, args=(peer,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        stopping.set()
        sockets.close()
        accepting.join(5)


class _Sockets:
    """The current listener and its connections."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.peers: list[socket.socket] = []
        self._requests = 0
        self._lock = threading.Lock()

    def count_request(self) -> bool:
        """Count a request; returns whether the server crashed at it, with all sockets closed."""
        with self._lock:
            self._requests += 1
            crashes = self._requests == REQUESTS_UNTIL_CRASH
        if crashes:
            self.close()
        return crashes

    def close(self) -> None:
        """Close the listener and all connections."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
