"""One request sent and its answer read, within bounds of time and size whatever the target does."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from runs_conformance import __version__
from runs_conformance.client.base_url import USUAL_PORTS, Address, query_string
from runs_conformance.client.connection import Progress
from runs_conformance.client.prepared_request import Outgoing
from runs_conformance.client.wire import TARGET, NobodyListens, OutOfTime, Wire
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Completion, Response
from runs_conformance.wire import response as responses
from runs_conformance.wire.content_encoding import Decoder, TooLarge, Undecodable
from runs_conformance.wire.sse import EventStream

_CHUNKS_KEPT = 4
USER_AGENT = f"runs-conformance/{__version__}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one exchange: seconds to connect, between two signs of life, for all of it; bytes and events of an
    answer.

    `stream` is what `total` is for an answer that is an event stream. `linger` is how long a stream is listened to
    after its `done` event: what a target still sends there belongs to the evidence.
    """

    connect: float = 10.0
    idle: float = 30.0
    total: float = 60.0
    stream: float = 180.0
    linger: float = 0.25
    size: int = 16 * 1024 * 1024
    events: int = 10_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of sending one request. Times are in seconds on the monotonic clock.

    `turned_away` says that the connection was refused, so that certainly nothing was done. `stale` says that a
    connection kept from an earlier exchange was found closed before a byte of the answer came.
    """

    response: Response | None
    completion: Completion
    problem: str | None
    started: float
    ended: float
    turned_away: bool = False
    stale: bool = False


class Transport:
    """Sends requests to one address, from any number of threads.

    It follows no redirect and keeps no cookie: a 3xx is an answer like any other, and a key goes to no host but the
    target's.
    """

    def __init__(self, address: Address, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.address = address
        self.limits = limits or Limits()
        self._wire = Wire(address, tls)
        usual = address.port == USUAL_PORTS[address.scheme]
        self._url = httpx.URL(scheme=address.scheme, host=address.host, port=None if usual else address.port)
        self._host = (b"Host", address.authority.encode())
        self._extra_query = query_string(address.query)
        self._open_query = query_string(pair for pair in address.query if not address.is_secret(*pair))

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def send(self, outgoing: Outgoing, headers: Sequence[tuple[str, str]], stream: bool = False) -> Arrival:
        """Send a request with these headers and read what comes; `stream` gives the answer the time of a stream.

        Nothing that a target does is raised: it is in the arrival's `completion` and `problem`.
        """
        started = time.monotonic()
        backend = self._wire.backend
        progress = backend.progress
        progress.begin(started + (self.limits.stream if stream else self.limits.total))
        try:
            raw = self._wire.handle_request(self._request(outgoing, headers))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            away = isinstance(error, NobodyListens)
            return Arrival(None, Completion.REFUSED, f"no connection: {error}", started, time.monotonic(), away)
        except httpx.TransportError as error:
            ended = time.monotonic()
            stale = not (progress.opened or progress.received or isinstance(error, httpx.TimeoutException))
            backend.closes_unasked |= stale
            return Arrival(None, Completion.UNKNOWN, _problem(error, ended - started), started, ended, stale=stale)
        try:
            response, completion, problem = _Reading(raw, self.limits, progress).result(started)
        finally:
            raw.close()
        return Arrival(response, completion, problem, started, time.monotonic())

    def _request(self, outgoing: Outgoing, headers: Sequence[tuple[str, str]]) -> httpx.Request:
        target = self.address.base + outgoing.path
        # A key in the query, too, must not open the door where a key is missing or wrong.
        extra = self._open_query if outgoing.key in (Key.WRONG, Key.NONE, Key.BASIC) else self._extra_query
        query = "&".join(part for part in (extra, query_string(outgoing.query)) if part)
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
            extensions={"timeout": timeouts, TARGET: target.encode("ascii")},
        )


class _Reading:
    """An answer being read."""

    def __init__(self, raw: httpx.Response, limits: Limits, progress: Progress) -> None:
        self._raw = raw
        self._limits = limits
        self._progress = progress
        self._headers = responses.header_map(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in raw.headers.raw
        )
        self._chunks: list[bytes] = []
        self._size = 0
        self._defects: list[str] = []
        self._events = (
            EventStream(max_events=limits.events, max_bytes=limits.size)
            if responses.is_event_stream(self._headers)
            else None
        )

    def result(self, started: float) -> tuple[Response, Completion, str | None]:
        """The response, how far it came, and what went wrong on the way."""
        problem = self._read(started)
        if self._events is None:
            whole = problem is None
            response = responses.of_content(
                self._raw.status_code, self._headers, b"".join(self._chunks), tuple(self._defects), whole
            )
        else:
            whole = problem is None or (self._events.done and not self._events.overflowed)
            if whole:
                self._events.finish(_now())
            response = responses.of_stream(self._raw.status_code, self._headers, self._events, tuple(self._defects))
        return response, Completion.ANSWERED if whole else Completion.UNKNOWN, problem

    def _read(self, started: float) -> str | None:
        try:
            self._read_all()
        except TooLarge:
            self._defects.append("too_large")
            # Nobody reads it, and several workers may hold one at a time.
            del self._chunks[_CHUNKS_KEPT:]
            return (
                f"the answer is larger than {self._limits.size} bytes or {self._limits.events} events; "
                "the rest was not read"
            )
        except httpx.TimeoutException as error:
            if self._events is not None and self._events.done:
                return "the stream was left open after its end"
            if isinstance(error, OutOfTime):
                return f"the answer had no end after {time.monotonic() - started:.1f} s"
            return f"nothing more of the answer came for {self._limits.idle:.1f} s"
        except httpx.TransportError as error:
            return f"the answer was cut: {error}"
        return None

    def _read_all(self) -> None:
        decoder = self._decoder()
        for data in self._raw.iter_raw():
            self._size += len(data)
            if self._size > self._limits.size:
                raise TooLarge
            try:
                self._take(decoder.feed(data))
            except Undecodable as error:
                self._defects.append(f"content_encoding: {error}")
                decoder = Decoder(max_bytes=self._limits.size)
                self._take(data)
        try:
            decoder.finish()
        except Undecodable as error:
            self._defects.append(f"content_encoding: {error}")

    def _decoder(self) -> Decoder:
        try:
            return Decoder(self._headers.get("content-encoding", ""), self._limits.size)
        except Undecodable as error:
            self._defects.append(f"content_encoding: {error}")
            return Decoder(max_bytes=self._limits.size)

    def _take(self, data: bytes) -> None:
        if self._events is None:
            self._chunks.append(data)
            return
        now = _now()
        was_done = self._events.done
        self._events.feed(data, now)
        if self._events.overflowed:
            raise TooLarge
        if self._events.done and not was_done:
            self._progress.deadline = min(self._progress.deadline, now + self._limits.linger)


def _now() -> float:
    """The moment, as exact as the history is written."""
    return round(time.monotonic(), 6)


def _problem(error: Exception, seconds: float) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {seconds:.1f} s"
    return f"no answer: {error}"
