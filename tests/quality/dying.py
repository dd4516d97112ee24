"""A server that dies in the middle of a run and comes back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

from tests.client.hostile import Connection
from tests.quality.behaviours import honest

AFTER = 150
SECONDS = 2.0


def dying(emulator: str) -> Iterator[str]:
    """Its base URL. After some requests nobody listens there for a while."""
    stopping = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    state = _State(listening)

    def handle(peer: socket.socket) -> None:
        connection = Connection(peer, 0, stopping)
        with suppress(OSError):
            while (request := connection.request()) is not None:
                if state.dies_now():
                    return
                connection.send(honest(emulator, request))
        with suppress(OSError):
            peer.close()

    def accept() -> None:
        while not stopping.is_set():
            try:
                peer, _ = state.listening.accept()
            except OSError:
                if stopping.wait(SECONDS):
                    return
                state.listening = socket.create_server(("127.0.0.1", port))
                continue
            state.peers.append(peer)
            threading.Thread(target=handle, args=(peer,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        stopping.set()
        state.close()
        accepting.join(5)


class _State:
    """The listening socket of the moment, and the connections that are open."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.peers: list[socket.socket] = []
        self._requests = 0
        self._lock = threading.Lock()

    def dies_now(self) -> bool:
        """Count a request; with the last one before its death the server closes everything."""
        with self._lock:
            self._requests += 1
            dies = self._requests == AFTER
        if dies:
            self.close()
        return dies

    def close(self) -> None:
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for peer in self.peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
