"""Faults between a client and the emulator, and a record of the requests that the client sent."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.contract.operation import find_operation
from runs_conformance.emulator.app import BASE

_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    401: ("Incorrect API key provided.", "invalid_api_key", "invalid_request_error"),
    429: ("Rate limit reached for requests.", "rate_limit_exceeded", "requests"),
    500: ("The server had an error while processing your request. Sorry about that!", None, "server_error"),
    503: ("The engine is currently overloaded, please try again later.", None, "server_error"),
}
"""Message, code and type of an error by HTTP status."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request from the client. `operation` is None if the path has none, `body` is None if it is not JSON."""

    method: str
    path: str
    operation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: Any = None
    query: str = ""


@dataclass(slots=True)
class InjectedFault:
    """A fault of the next `times` requests, or of the next ones of one operation.

    First comes the `delay` in seconds. Then the request is answered with an error if `http_status` is set, or the
    connection is dropped after `cut_after` chunks of the answer.
    """

    times: int
    operation: str | None = None
    delay: float = 0.0
    http_status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None


class ConnectionCut(ConnectionError):  # noqa: N818 -- it is injected, not an error
    """The connection is dropped in the middle of an answer."""


@dataclass(slots=True)
class FaultInjector:
    """Middleware between a client and an emulator."""

    faults: list[InjectedFault] = field(default_factory=list)
    received: list[ReceivedRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with faults injected before it."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            raw, receive_again = await _read_body(receive)
            fault = self._record(_parse_request(scope, raw))
            if fault is not None:
                await asyncio.sleep(fault.delay)
                if fault.http_status is not None:
                    await _send_error(fault, send)
                    return
                if fault.cut_after is not None:
                    send = _cut_after(send, fault.cut_after)
            await app(scope, receive_again, send)

        return wrapped

    def add(self, fault: InjectedFault) -> None:
        """Queue a fault."""
        with self._lock:
            self.faults.append(fault)

    def clear(self) -> None:
        """Discard the faults and the received requests."""
        with self._lock:
            self.faults.clear()
            self.received.clear()

    def _record(self, request: ReceivedRequest) -> InjectedFault | None:
        """Record a request; returns its fault, if any."""
        with self._lock:
            self.received.append(request)
            for fault in self.faults:
                if fault.operation in (None, request.operation):
                    fault.times -= 1
                    self.faults = [other for other in self.faults if other.times > 0]
                    return fault
        return None


async def _read_body(receive: Receive) -> tuple[bytes, Receive]:
    """The whole request body, and a `receive` that replays it."""
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    raw = b"".join(message.get("body", b"") for message in messages)
    replayed = iter(messages)

    async def receive_again() -> MutableMapping[str, Any]:
        return next(replayed, None) or await receive()

    return raw, receive_again


def _parse_request(scope: Scope, raw: bytes) -> ReceivedRequest:
    path = scope["path"]
    match = find_operation(scope["method"], path.partition(BASE)[2])
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
    return ReceivedRequest(
        method=scope["method"],
        path=path,
        operation=match[0].name if match else None,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        query=scope["query_string"].decode("latin-1"),
    )


async def _send_error(fault: InjectedFault, send: Send) -> None:
    status = fault.http_status or 500
    message, code, kind = _ERRORS.get(status, (f"Injected fault: HTTP {status}.", None, "server_error"))
    error = {"message": message, "type": kind, "param": None, "code": code}
    body = json.dumps({"error": error}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **fault.headers}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _cut_after(send: Send, chunks: int) -> Send:
    """A `send` that forwards this number of chunks and then drops the connection."""
    remaining = chunks

    async def cutting_send(message: Message) -> None:
        nonlocal remaining
        if message["type"] == "http.response.body":
            if remaining <= 0:
                raise ConnectionCut("injected fault: the connection was dropped")
            remaining -= 1
            message = {**message, "more_body": True}
        await send(message)

    return cutting_send
