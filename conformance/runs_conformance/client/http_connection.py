"""One HTTP/1.1 connection on `h11`, which checks each response against the protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import h11

from runs_conformance.client.connection import SocketStream
from runs_conformance.client.transfer_errors import TransferError

Headers = list[tuple[bytes, bytes]]

KEEP_ALIVE_SECONDS = 2.0
"""How long an idle connection is used again: servers close them after some seconds."""

_READ_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 100 * 1024


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request as it is sent, with the exact target and header fields."""

    method: str
    target: bytes
    headers: Headers
    content: bytes


@dataclass(frozen=True, slots=True)
class IncomingResponse:
    """A response whose body is still unread. It must be closed; `discard` closes the connection, too."""

    status: int
    headers: Headers
    body: Iterable[bytes]
    close: Callable[[], None]
    discard: Callable[[], None]


class HttpConnection:
    """A connection that carries one exchange at a time. Failures are raised as TransferError."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._expires = 0.0
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed the connection."""
        return self._is_closed

    def is_reusable(self) -> bool:
        """Whether another request can be sent: the connection is idle, not old, and the target has not closed it."""
        return not self._is_closed and time.monotonic() <= self._expires and not self._stream.is_closed()

    def send(self, request: OutgoingRequest) -> tuple[int, Headers]:
        """Send a request; returns the HTTP status and the header fields of its response."""
        protocol = self._protocol
        try:
            head = protocol.send(h11.Request(method=request.method, target=request.target, headers=request.headers))
            body = protocol.send(h11.Data(data=request.content)) if request.content else b""
            protocol.send(h11.EndOfMessage())
            self._stream.write((head or b"") + (body or b""))
            while True:
                event = self._next_event()
                if isinstance(event, h11.Response):
                    break
                if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                    break
        except h11.LocalProtocolError as error:
            self.close()
            raise TransferError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return event.status_code, event.headers.raw_items()

    def body(self) -> Iterator[bytes]:
        """Read the body of the response."""
        while True:
            event = self._next_event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                return

    def finish(self) -> None:
        """End the exchange. A connection whose response was not read to its end is closed."""
        if not self._is_closed and self._protocol.our_state is self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
            self._expires = time.monotonic() + KEEP_ALIVE_SECONDS
        else:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._stream.close()

    def _next_event(self) -> Any:
        protocol = self._protocol
        while True:
            try:
                event = protocol.next_event()
            except h11.RemoteProtocolError as error:
                raise TransferError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event
            data = self._stream.read(_READ_BYTES)
            if not data and protocol.their_state is h11.SEND_RESPONSE:
                # What h11 says about this describes its states.
                raise TransferError("Server disconnected without sending a response.")
            protocol.receive_data(data)
