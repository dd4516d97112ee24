"""An access log: one line for each request that got a response, without keys, queries and bodies."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_PATH = 200


def log_requests(app: ASGIApp, file: TextIO) -> ASGIApp:
    """The application with a line written to the file for each request, when its response has ended.

    A line has the time, the method, the path, the HTTP status (`-` without a response) and the milliseconds.
    """

    async def log_request(scope: Scope, receive: Receive, send: Send) -> None:
        status = "-"
        began = time.monotonic()

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await app(scope, receive, noting_send)
        finally:
            took = round((time.monotonic() - began) * 1000)
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            file.write(f"{at} {_printable(scope['method'])} {_printable(scope['path'])} {status} {took} ms\n")
            file.flush()

    return log_request


def _printable(text: str) -> str:
    """The text without control characters and spaces, which could forge a line or a column."""
    shown = "".join(one if one.isascii() and one.isprintable() and one != " " else "?" for one in text)
    return shown if len(shown) <= _MAX_PATH else f"{shown[:_MAX_PATH]}..."
