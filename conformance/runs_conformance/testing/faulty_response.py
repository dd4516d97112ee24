"""Faults in the middle of a response: each wraps the `send` of an ASGI application."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Send

_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    401: ("Incorrect API key provided.", "invalid_api_key", "invalid_request_error"),
    429: ("Rate limit reached for requests.", "rate_limit_exceeded", "requests"),
    500: ("The server had an error while processing your request. Sorry about that!", None, "server_error"),
    503: ("The engine is currently overloaded, please try again later.", None, "server_error"),
}
"""Message, code and type of an error by HTTP status."""

_FOREVER_S = 10.0**6


class ConnectionCut(ConnectionError):  # noqa: N818 -- it is injected, not an error
    """The connection is dropped in the middle of a response."""


class ResponseReplaced(Exception):  # noqa: N818 -- it is injected, not an error
    """Another response was sent instead of the application's."""


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response with an error; without a `body`, it has the envelope and the usual text of its HTTP status."""

    http_status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | Mapping[str, Any] | None = None
    content_type: str | None = None

    async def send_to(self, send: Send) -> None:
        """Send the response."""
        status = self.http_status
        if self.body is None:
            message, code, kind = _ERRORS.get(status, (f"Injected fault: HTTP {status}.", None, "server_error"))
            raw = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()
        else:
            raw = (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        usual = "text/html; charset=utf-8" if isinstance(self.body, str) else "application/json"
        headers = {"content-type": self.content_type or usual, "content-length": str(len(raw)), **self.headers}
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": raw})


def replace_response(send: Send, response: ErrorResponse) -> Send:
    """A `send` that sends another response as soon as the application begins its own, then raises ResponseReplaced."""

    async def replacing_send(message: Message) -> None:
        await response.send_to(send)
        raise ResponseReplaced("injected fault: the response was replaced")

    return replacing_send


@dataclass(slots=True)
class EventCounter:
    """Counts the events of a stream, or only those of one name, up to a number."""

    after: int
    event: str | None = None

    def is_reached(self, message: Message) -> bool:
        """Whether the number was reached before this part of the response. Counts it."""
        if self.after <= 0:
            return True
        if self.event is None or _event_name(message.get("body", b"")) == self.event:
            self.after -= 1
        return False


def _event_name(raw: bytes) -> str | None:
    match = re.match(rb"event: ?([^\r\n]*)", raw)
    return match[1].decode("utf-8", "replace") if match else None


def cut_response(send: Send, counter: EventCounter) -> Send:
    """A `send` that drops the connection when the counter is reached."""

    async def cutting_send(message: Message) -> None:
        if message["type"] == "http.response.body":
            if counter.is_reached(message):
                raise ConnectionCut("injected fault: the connection was dropped")
            message = {**message, "more_body": True}
        await send(message)

    return cutting_send


def pause_response(send: Send, counter: EventCounter, seconds: float | None) -> Send:
    """A `send` that sends nothing for a number of seconds, or forever, when the counter is reached."""
    is_paused = False

    async def pausing_send(message: Message) -> None:
        nonlocal is_paused
        if message["type"] == "http.response.body" and not is_paused and counter.is_reached(message):
            is_paused = True
            await asyncio.sleep(_FOREVER_S if seconds is None else seconds)
        await send(message)

    return pausing_send


def end_with_error_event(send: Send, counter: EventCounter, message_text: str, code: str | None) -> Send:
    """A `send` that ends the stream with an error event when the counter is reached."""

    async def failing_send(message: Message) -> None:
        if message["type"] == "http.response.body" and counter.is_reached(message):
            error = {"message": message_text, "type": "server_error", "param": None, "code": code}
            raw = f"event: error\ndata: {json.dumps({'error': error})}\n\n".encode()
            await send({"type": "http.response.body", "body": raw, "more_body": False})
            raise ResponseReplaced("injected fault: the stream ended with an error event")
        await send(message)

    return failing_send
