"""Sends a request and reads its response within limits of time and size."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from runs_conformance import __version__
from runs_conformance.client.base_url import DEFAULT_PORTS, Address, encode_query
from runs_conformance.client.connection import ExchangeProgress, HeldSend
from runs_conformance.client.httpcore_transport import (
    REQUEST_TARGET,
    ConnectionRefused,
    DeadlineExceeded,
    HttpcoreTransport,
    MalformedResponse,
)
from runs_conformance.client.prepared_request import PreparedRequest
from runs_conformance.contract.event import pauses_or_ends_run
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import MALFORMED, TRUNCATED, Completion, Response
from runs_conformance.wire import response as responses
from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError
from runs_conformance.wire.sse import EventStreamParser

_CHUNKS_KEPT = 4
USER_AGENT = f"runs-conformance/{__version__}"


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """The limits of one exchange, in seconds, bytes, events and JSON values.

    `connect` bounds the connection, `idle` the time between two reads, and `total` the complete exchange; `stream`
    replaces `total` for an event stream. `linger` is how long a stream is read after its `done` event, because
    anything that the target still sends is evidence; `closing` is how long its next event is waited for once its run
    has ended or requires action.
    """

    connect: float = 10.0
    idle: float = 30.0
    total: float = 60.0
    stream: float = 180.0
    linger: float = 0.25
    closing: float = 10.0
    max_bytes: int = 4 * 1024 * 1024
    max_events: int = 10_000
    max_values: int = 50_000


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of sending one request. Times are in seconds on the monotonic clock.

    `sent` is when the request was sent on an open connection. `connection_refused`: the request certainly had no
    effect. `stale_connection`: a kept-alive connection was closed before any byte of the response arrived.
    """

    response: Response | None
    completion: Completion
    problem: str | None
    started: float
    ended: float
    sent: float | None = None
    connection_refused: bool = False
    stale_connection: bool = False


class Transport:
    """Sends requests to one address. Thread-safe.

    It follows no redirects and keeps no cookies: a 3xx is a response like any other, and keys are sent only to the
    target's host.
    """

    def __init__(
        self, address: Address, limits: ExchangeLimits | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.address = address
        self.limits = limits or ExchangeLimits()
        self.end = float("inf")
        """When the last exchange has to end, on the monotonic clock."""
        self._wire = HttpcoreTransport(address, tls)
        is_default_port = address.port == DEFAULT_PORTS[address.scheme]
        self._url = httpx.URL(scheme=address.scheme, host=address.host, port=None if is_default_port else address.port)
        self._host = (b"Host", address.authority.encode())
        self._extra_query = encode_query(address.query)
        self._open_query = encode_query(pair for pair in address.query if not address.is_secret(*pair))

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def send(
        self,
        outgoing: PreparedRequest,
        headers: Sequence[tuple[str, str]],
        stream: bool = False,
        leave_at_event: str = "",
    ) -> SendResult:
        """Send a request with these headers and read the response; `stream` applies the time limit of streams.

        With `leave_at_event`, a stream is read up to the first event whose name starts so, and its connection closed.
        Failures of the target are not raised but reported in `completion` and `problem`.
        """
        started = time.monotonic()
        backend = self._wire.backend
        progress = backend.progress
        progress.begin(min(self.end, started + (self.limits.stream if stream else self.limits.total)))
        try:
            raw = self._wire.handle_request(self._request(outgoing, headers))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            away = isinstance(error, ConnectionRefused)
            return SendResult(
                None,
                Completion.NOT_CONNECTED,
                f"no connection: {error}",
                started,
                time.monotonic(),
                connection_refused=away,
            )
        except httpx.TransportError as error:
            ended = time.monotonic()
            stale = not (progress.opened_connection or progress.received or isinstance(error, httpx.TimeoutException))
            backend.closes_idle_connections |= stale
            return SendResult(
                None,
                Completion.UNKNOWN,
                _problem(error, ended - started),
                started,
                ended,
                progress.sent,
                stale_connection=stale,
            )
        try:
            response, completion, problem = _ResponseReader(raw, self.limits, progress, leave_at_event).result(started)
            if raw.status_code >= 500 and (connection := raw.extensions.get("network_stream")) is not None:
                # Frameworks may close the connection after an error, which would break the next request on it.
                connection.close()
        finally:
            raw.close()
        return SendResult(response, completion, problem, started, time.monotonic(), progress.sent)

    def begin_program(self, program: str) -> None:
        """Have requests of this program use no connection that requests of another one may have spoilt."""
        self._wire.begin_program(program)

    def share_connections(self) -> None:
        """Let this thread use connections that others opened before."""
        self._wire.share_connections()

    def hold_next_request(self, hold: Callable[[HeldSend], object]) -> None:
        """Have the next request of this thread call `hold` when its connection is open, with what sends the request.

        It is sent when `hold` returns, if it did not have it sent before.
        """
        self._wire.backend.progress.hold = hold

    def watch_events(self, notify: Callable[[str], object]) -> None:
        """Call `notify` with the name of each event that streams to this thread show, as soon as it arrives."""
        self._wire.backend.progress.notify = notify

    def _request(self, outgoing: PreparedRequest, headers: Sequence[tuple[str, str]]) -> httpx.Request:
        target = self.address.base_path + outgoing.path
        # A secret in the query must not grant access to a request with a missing or wrong key either.
        extra = self._open_query if outgoing.key in (Key.WRONG, Key.NONE, Key.BASIC) else self._extra_query
        query = "&".join(part for part in (extra, encode_query(outgoing.query)) if part)
        if query:
            target += "?" + query
        fields = [self._host, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)]
        if outgoing.content is not None or outgoing.method == "POST":
            fields.append((b"Content-Length", b"%d" % len(outgoing.content or b"")))
        limits = self.limits
        timeouts = {"connect": limits.connect, "read": limits.idle, "write": limits.idle}
        return httpx.Request(
            outgoing.method,
            self._url,
            headers=fields,
            content=outgoing.content or b"",
            extensions={"timeout": timeouts, REQUEST_TARGET: target.encode("ascii")},
        )


class _ResponseReader:
    """Reads one response."""

    def __init__(
        self, raw: httpx.Response, limits: ExchangeLimits, progress: ExchangeProgress, leave_at_event: str
    ) -> None:
        self._raw = raw
        self._limits = limits
        self._progress = progress
        self._leave_at_event = leave_at_event
        self._is_left = False
        self._headers = responses.header_map(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in raw.headers.raw
        )
        self._chunks: list[bytes] = []
        self._size = 0
        self._deadline = progress.deadline
        self._is_closing = False
        self._defects: list[str] = []
        self._events = (
            EventStreamParser(
                max_events=limits.max_events, max_bytes=limits.max_bytes, max_values=4 * limits.max_values
            )
            if responses.is_event_stream(self._headers)
            else None
        )

    def result(self, started: float) -> tuple[Response, Completion, str | None]:
        """Read the response; return it with its completion and the problem, if any."""
        problem = self._read(started)
        if self._events is None:
            complete = problem is None
            response = responses.response_from_content(
                self._raw.status_code,
                self._headers,
                b"".join(self._chunks),
                tuple(self._defects),
                complete,
                self._limits.max_values,
            )
        else:
            complete = problem is None or (self._events.done and not self._events.overflowed)
            if complete and not self._is_left:
                self._events.finish(_now())
            response = responses.response_from_stream(
                self._raw.status_code, self._headers, self._events, tuple(self._defects)
            )
        return response, Completion.ANSWERED if complete else Completion.UNKNOWN, problem

    def _read(self, started: float) -> str | None:
        try:
            self._read_all()
        except TooLargeError:
            self._defects.append("too_large")
            # The content is not judged, and several workers may hold one at the same time: free the memory.
            del self._chunks[_CHUNKS_KEPT:]
            return (
                f"the response is larger than {self._limits.max_bytes} bytes or {self._limits.max_events} events; "
                "reading stopped there"
            )
        except httpx.TimeoutException as error:
            if self._events is not None and self._events.done:
                return "the stream stayed open after its done event"
            if isinstance(error, DeadlineExceeded) and self._events is not None and self._is_closing:
                return f"no end of the stream for {_now() - self._events.events[-1].at:.1f} s after its last event"
            if isinstance(error, DeadlineExceeded):
                return f"the response had not ended after {time.monotonic() - started:.1f} s"
            return f"no further data of the response for {self._limits.idle:.1f} s"
        except httpx.TransportError as error:
            return f"{MALFORMED if isinstance(error, MalformedResponse) else TRUNCATED}: {error}"
        return None

    def _read_all(self) -> None:
        decoder = self._decoder()
        for data in self._raw.iter_raw():
            self._size += len(data)
            if self._size > self._limits.max_bytes:
                raise TooLargeError
            try:
                self._take(decoder.feed(data))
            except DecodeError as error:
                self._defects.append(f"content_encoding: {error}")
                decoder = Decoder(max_bytes=self._limits.max_bytes)
                self._take(data)
            if self._is_left:
                return
        try:
            decoder.finish()
        except DecodeError as error:
            self._defects.append(f"content_encoding: {error}")

    def _decoder(self) -> Decoder:
        try:
            return Decoder(self._headers.get("content-encoding", ""), self._limits.max_bytes)
        except DecodeError as error:
            self._defects.append(f"content_encoding: {error}")
            return Decoder(max_bytes=self._limits.max_bytes)

    def _take(self, data: bytes) -> None:
        if self._events is None:
            self._chunks.append(data)
            return
        now = _now()
        was_done, known = self._events.done, len(self._events.events)
        self._events.feed(data, now)
        if (notify := self._progress.notify) is not None:
            for event in self._events.events[known:]:
                notify(event.name)
        if self._events.overflowed:
            raise TooLargeError
        if self._leave_at_event and not self._events.done:
            self._is_left = any(event.name.startswith(self._leave_at_event) for event in self._events.events[known:])
        self._is_closing |= any(pauses_or_ends_run(event.name) for event in self._events.events[known:])
        if self._events.done and not was_done:
            self._deadline = self._progress.deadline = min(self._progress.deadline, now + self._limits.linger)
        elif self._is_closing and len(self._events.events) > known:
            self._progress.deadline = min(self._deadline, now + self._limits.closing)


def _now() -> float:
    """The monotonic time, rounded as in the history file."""
    return round(time.monotonic(), 6)


def _problem(error: Exception, seconds: float) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"no response within {seconds:.1f} s"
    return f"{MALFORMED if isinstance(error, MalformedResponse) else 'no response'}: {error}"
