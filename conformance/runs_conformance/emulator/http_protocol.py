"""HTTP connections that are closed if a request does not arrive in time."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_TIMEOUT_S = 30.0
"""Seconds that a client gets to send a whole request, from the moment it connects or sends its first byte."""

_UNFINISHED = (h11.IDLE, h11.SEND_BODY)


class BoundedH11Protocol(H11Protocol):
    """A connection of the server. Half a request would otherwise keep it open forever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the time of the first request."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Stop the time if the request is complete, or start that of the next one."""
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_TIMEOUT_S, self._close_unfinished)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_unfinished(self) -> None:
        self._timer = None
        if self.conn.their_state in _UNFINISHED:
            self.transport.close()
