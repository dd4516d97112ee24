"""What goes wrong between a client and the emulator, and what the client sent."""

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

_TEXTS: Mapping[int, tuple[str, str | None, str]] = {
    401: ("Incorrect API key provided.", "invalid_api_key", "invalid_request_error"),
    429: ("Rate limit reached for requests.", "rate_limit_exceeded", "requests"),
    500: ("The server had an error while processing your request. Sorry about that!", None, "server_error"),
    503: ("The engine is currently overloaded, please try again later.", None, "server_error"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came in. `operation` is None for a path that is no operation's, `body` for no JSON."""

    method: str
    path: str
    operation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: Any = None
    query: str = ""


@dataclass(slots=True)
class Fault:
    """Something that happens to the next requests, or to those of one operation.

    `delay` comes before anything else; then the request is refused by `http_status`, or its answer is cut after so
    many chunks, or nothing more happens to it.
    """

    times: int
    operation: str | None = None
    delay: float = 0.0
    http_status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None


class Cut(ConnectionError):  # noqa: N818 -- it is asked for, no error
    """The connection is given up in the middle of an answer."""


@dataclass(slots=True)
class Wire:
    """All that stands between a client and an emulator."""

    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with what goes wrong on the way to it."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            raw, replayed = await _body(receive)
            request = _seen(scope, raw)
            fault = self._take(request)
            if fault is not None:
                await asyncio.sleep(fault.delay)
                if fault.http_status is not None:
                    await _refuse(fault, send)
                    return
                if fault.cut_after is not None:
                    send = _cutting(send, fault.cut_after)
            await app(scope, replayed, send)

        return wrapped

    def add(self, fault: Fault) -> None:
        """Let this happen, after what was added before."""
        with self._lock:
            self.faults.append(fault)

    def clear(self) -> None:
        """Let nothing more go wrong, and forget what was seen."""
        with self._lock:
            self.faults.clear()
            self.seen.clear()

    def _take(self, request: Seen) -> Fault | None:
        """Write the request down; what happens to it."""
        with self._lock:
            self.seen.append(request)
            for fault in self.faults:
                if fault.operation in (None, request.operation):
                    fault.times -= 1
                    self.faults = [other for other in self.faults if other.times > 0]
                    return fault
        return None


async def _body(receive: Receive) -> tuple[bytes, Receive]:
    """The whole request body, and how to receive it again."""
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    raw = b"".join(message.get("body", b"") for message in messages)
    waiting = iter(messages)

    async def again() -> MutableMapping[str, Any]:
        return next(waiting, None) or await receive()

    return raw, again


def _seen(scope: Scope, raw: bytes) -> Seen:
    path = scope["path"]
    found = find_operation(scope["method"], path.partition(BASE)[2])
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
    return Seen(
        method=scope["method"],
        path=path,
        operation=found[0].name if found else None,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        query=scope["query_string"].decode("latin-1"),
    )


async def _refuse(fault: Fault, send: Send) -> None:
    status = fault.http_status or 500
    message, code, kind = _TEXTS.get(status, (f"This answer was asked for: HTTP {status}.", None, "server_error"))
    error = {"message": message, "type": kind, "param": None, "code": code}
    body = json.dumps({"error": error}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **fault.headers}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _cutting(send: Send, after: int) -> Send:
    """A `send` that passes on so many chunks of the answer and then gives the connection up."""
    left = after

    async def cutting(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.body":
            if left <= 0:
                raise Cut("the answer is cut off, as it was asked for")
            left -= 1
            message = {**message, "more_body": True}
        await send(message)

    return cutting
