"""A server that replaces some responses of the emulator behind it by hostile ones."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote_to_bytes, urlsplit

from tests.client.hostile import Connection, head, serving

ID_SUFFIX = "/../'\"\n<script>alert(1)</script>%2F?#é\u202e\x1b[31m"
"""The suffix of odd ids."""
JSON_SUFFIX = json.dumps(ID_SUFFIX, ensure_ascii=False)[1:-1].encode()
"""The suffix as it is written in JSON."""


class RequestedPauses:
    """The time in which a server asked to send nothing. Thread-safe."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """The sum; pauses that overlap count once."""
        self._until = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Add a pause that begins now."""
        with self._lock:
            now = time.monotonic()
            if now + seconds > self._until:
                self.seconds += now + seconds - max(now, self._until)
                self._until = now + seconds


@dataclass(frozen=True)
class HostileRequest:
    """A request to a hostile server: its number and connection, the emulator's response, the URL of another host."""

    number: int
    connection: Connection
    response: Callable[[], bytes]
    other_url: str
    pauses: RequestedPauses


Respond = Callable[[HostileRequest], None]


@dataclass
class OtherHost:
    """Another host, and the data it received."""

    url: str
    received: list[bytes] = field(default_factory=list)


@contextmanager
def other_host() -> Iterator[OtherHost]:
    """Serve a host that no request should reach."""
    received: list[bytes] = []

    def handler(connection: Connection) -> None:
        received.append(connection.socket.recv(65536))

    with serving(handler) as server:
        yield OtherHost(f"http://127.0.0.1:{server.port}/v1/threads", received)


@contextmanager
def hostile_server(
    emulator: str,
    respond: Respond,
    is_hostile: Callable[[int], bool],
    closes: bool,
    other_url: str,
    pauses: RequestedPauses | None = None,
) -> Iterator[tuple[str, list[bytes]]]:
    """Serve an emulator's responses, except for the requests whose number `is_hostile`; yields the base URL, and the
    heads of the received requests.
    """
    pauses = pauses or RequestedPauses()
    heads: list[bytes] = []
    lock = threading.Lock()

    def handler(connection: Connection) -> None:
        while (raw := connection.request()) is not None:
            with lock:
                heads.append(raw.partition(b"\r\n\r\n")[0])
                number = len(heads)
            response = partial(emulator_response, emulator, raw)
            request = HostileRequest(number, connection, response, other_url, pauses)
            if is_hostile(number):
                respond(request)
                if closes:
                    return
            else:
                connection.send(request.response())

    with serving(handler) as server:
        yield f"http://127.0.0.1:{server.port}/v1", heads


def emulator_response(emulator: str, request: bytes) -> bytes:
    """The emulator's response to a request; the suffix of odd ids is removed from the request."""
    top, _, body = request.partition(b"\r\n\r\n")
    line, *lines = top.split(b"\r\n")
    method, target, _ = line.decode("latin-1").split(" ")
    if "script" in target:
        path, question_mark, query = target.partition("?")
        path = unquote_to_bytes(path).replace(ID_SUFFIX.encode(), b"").decode("utf-8", "replace")
        query = unquote_to_bytes(query).replace(ID_SUFFIX.encode(), b"").decode("utf-8", "replace")
        target = path + question_mark + query
    target = urlsplit(emulator).path + target.removeprefix("/v1")
    body = body.replace(JSON_SUFFIX, b"")
    headers = {name: value for name, _, value in (each.decode("latin-1").partition(": ") for each in lines)}
    headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    headers["Accept-Encoding"] = "identity"
    server = http.client.HTTPConnection(urlsplit(emulator).netloc, timeout=60)
    try:
        server.request(method, target, body or (b"" if method == "POST" else None), headers)
        response = server.getresponse()
        content = response.read()
        end_to_end = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        status = f"{response.status} {response.reason}"
        return head(status, **end_to_end, **{"Content-Length": str(len(content))}) + content
    finally:
        with suppress(OSError):
            server.close()


_HOP_BY_HOP = ("content-length", "transfer-encoding", "connection")
