"""HTTP connections parsed by httptools, which is optional: only `serve` imports this module, if it is installed."""

from __future__ import annotations

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from runs_conformance.emulator.http_protocol import CONNECTION, RequestTimer

_UPGRADE = re.compile(rb"\r\nupgrade:", flags=re.I)
_MAX_HEAD_BYTES = 64 * 1024


class BoundedHttpToolsProtocol(HttpToolsProtocol):
    """A server connection that limits the time of each request and the size of its head, which httptools does not."""

    _timer: RequestTimer
    _is_in_head = True
    _expects_head = True
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Start the timer of the first request."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, CONNECTION: transport}
        self._timer = RequestTimer(self.loop, self.transport.close)
        self._timer.start()

    def data_received(self, data: bytes) -> None:
        """Close the connection if the head of a request is too large."""
        if self._expects_head:
            # After an offer of HTTP/2, as the client of the JDK makes it, httptools would not read the body.
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._is_in_head else 0
        if self._head_bytes > _MAX_HEAD_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start the timer of a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._timer.start()

    def on_headers_complete(self) -> None:
        """Stop measuring the head."""
        self._is_in_head = self._expects_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the timer."""
        super().on_message_complete()
        self._expects_head = True
        self._timer.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.stop()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore the offer of HTTP/2 that some clients, such as that of the JDK, make on every connection."""
