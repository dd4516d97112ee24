"""HTTP connections of an emulator: each is closed if a request does not arrive in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_TIMEOUT_S = 30.0
"""Seconds that a client gets to send a whole request, from the moment it connects or sends its first byte."""

CONNECTION = "connection"
"""The name of the connection in the state of a request, for mutants that send bytes of their own."""

_UNFINISHED = (h11.IDLE, h11.SEND_BODY)
_HEAD = b"HTTP/1.1 "


class _HeadHoldingTransport:
    """A transport that sends the head of a response together with the first bytes of its body.

    Two packets would wake the client twice, which costs more than all else that a short response takes.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data, or hold it until more follows or the event loop continues."""
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(_HEAD):
            self._held = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Send what is held, and close the connection."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Send what is held, and break the connection off."""
        self._flush()
        self._transport.abort()

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._transport.write(held)


class RequestTimer:
    """Closes a connection if its request is not complete in time: half a request would keep it open forever."""

    def __init__(self, loop: asyncio.AbstractEventLoop, close: Callable[[], object]) -> None:
        self._loop = loop
        self._close = close
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the timer of a request, if it is not running."""
        if self._handle is None:
            self._handle = self._loop.call_later(REQUEST_TIMEOUT_S, self._expire)

    def stop(self) -> None:
        """Stop the timer: the request is complete, or the connection is lost."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _expire(self) -> None:
        self._handle = None
        self._close()


class BoundedH11Protocol(H11Protocol):
    """A server connection that limits the time of each request."""

    _timer: RequestTimer

    def connection_made(self, transport: Any) -> None:
        """Start the timer of the first request."""
        super().connection_made(_HeadHoldingTransport(transport, self.loop))  # type: ignore[arg-type]
        self.app_state = {**self.app_state, CONNECTION: self.transport}
        self._timer = RequestTimer(self.loop, self._close_unfinished)
        self._timer.start()

    def data_received(self, data: bytes) -> None:
        """Stop the timer if the request is complete, or start the one of the next request."""
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            self._timer.stop()
        else:
            self._timer.start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.stop()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore the offer of HTTP/2 that some clients, such as that of the JDK, make on every connection."""

    def _close_unfinished(self) -> None:
        if self.conn.their_state in _UNFINISHED:
            self.transport.close()
