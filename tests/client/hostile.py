"""Small servers that follow or violate HTTP byte by byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runs_conformance.client.base_url import Address, parse_address

Handler = Callable[["Connection"], None]


@dataclass
class Connection:
    """One connection opened by a client."""

    socket: socket.socket
    number: int
    stopping: threading.Event

    def request(self) -> bytes | None:
        """Read the next request, head and body; None if the client has closed the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += self.socket.recv(65536)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def respond(self, body: bytes = b"{}", status: str = "200 OK", **headers: str) -> None:
        """Send a complete response with its length."""
        self.send(
            head(status, **{"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}) + body
        )

    def drip(self, data: bytes, seconds: float) -> None:
        """Send the same bytes at intervals until the client or the test ends."""
        while not self.stopping.wait(seconds):
            self.socket.sendall(data)

    def reset(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


@dataclass
class RawServer:
    """A server on a free port of this machine."""

    port: int
    connections: list[Connection] = field(default_factory=list)

    @property
    def address(self) -> Address:
        return parse_address(f"http://127.0.0.1:{self.port}/v1")


@contextlib.contextmanager
def serving(handler: Handler) -> Iterator[RawServer]:
    """Serve each connection with `handler` in a thread of its own, and close it afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def handle(connection: Connection) -> None:
        with contextlib.suppress(OSError):
            handler(connection)
        with contextlib.suppress(OSError):
            connection.socket.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                connection = Connection(peer, len(server.connections), stopping)
                server.connections.append(connection)
                threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in server.connections:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in (accepting, *threads):
            thread.join(2)
        for connection in server.connections:
            connection.socket.close()


def closed_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
