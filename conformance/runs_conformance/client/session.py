"""Sends the steps of programs and writes down every attempt as an exchange."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from runs_conformance.client import base_url
from runs_conformance.client.admission import Admission
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import Outgoing, bind
from runs_conformance.client.recorder import Recorder
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import USER_AGENT, Arrival, Transport
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.errors import SuiteFault
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import LATER, Exchange, Request
from runs_conformance.model.json import ABSENT
from runs_conformance.wire.content_encoding import ACCEPTED
from runs_conformance.wire.redaction import REDACTED, shown_value

_TEXT_KEPT = 4000
_TAGGED = ("create_assistant", "create_thread")
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long what was certainly not done is tried again.

    `wait` bounds all the waiting for one step, in seconds: a target that asks for more is not waited for. `pauses`
    are the waits where it asks for nothing.
    """

    attempts: int = 4
    wait: float = 30.0
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0)


class Session:
    """Sends steps to one target, from any number of threads, and records every exchange.

    A request is sent again only where it was certainly not done: the connection was refused, or the answer was 429,
    or 503 with Retry-After. A read is also sent again when a kept connection turned out to be closed. A POST of
    unknown completion never is. While the target asks for quiet nobody sends anything: the throttle is shared.
    Assistants and threads that are only fixtures carry `fixture_metadata`, by which a person knows whose they are.
    `already` is how many exchanges the record has, where it is gone on with.
    Where there is an admission, every attempt needs it.
    """

    def __init__(
        self,
        transport: Transport,
        recorder: Recorder,
        credentials: Credentials,
        edition: str = DEFAULT_EDITION,
        dialect: str | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        throttle: Throttle | None = None,
        fixture_metadata: Mapping[str, str] | None = None,
        already: int = 0,
        admission: Admission | None = None,
    ) -> None:
        self.transport = transport
        self.recorder = recorder
        self.edition = edition
        self.dialect = dialect or transport.address.dialect.family
        self.credentials = credentials
        self._patience = patience or Patience()
        self._sleep = sleep
        self._throttle = throttle or Throttle(sleep=sleep)
        self._fixture_metadata = dict(fixture_metadata or {})
        self._admission = admission
        self._lock = threading.Lock()
        self._count = already
        self._usual: dict[tuple[Key, bool], tuple[Headers, Headers]] = {}

    def recording(self, recorder: Recorder) -> Session:
        """A session with the same target, at the same pace, whose exchanges another recorder is told of."""
        return Session(
            self.transport,
            recorder,
            self.credentials,
            self.edition,
            self.dialect,
            self._patience,
            self._sleep,
            self._throttle,
            self._fixture_metadata,
            admission=self._admission,
        )

    @property
    def requests(self) -> int:
        """How many requests have been sent."""
        return self._count

    def send(self, step: Step, program: str, answers: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step, and again only what was certainly not done; a named step's answer is remembered in `answers`.

        Raises Unbound where an earlier answer lacks a value that the step refers to.
        """
        outgoing = bind(self._tagged(step), answers)
        if step.pause:
            self._sleep(step.pause)
        self._throttle.enter()
        exchange = self._carry_out(step, outgoing, program)
        if exchange.refused and self._tagged(step) is not step:
            # A server without metadata is judged without the tag.
            self._fixture_metadata = {}
        if step.name:
            answers[step.name] = exchange
        return exchange

    def together(
        self, steps: Sequence[Step], program: str, answers: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment (each after its own pause), each on a connection of its own.

        The exchanges come back in the steps' order.
        """
        bound = [bind(self._tagged(step), answers) for step in steps]
        barrier = threading.Barrier(len(steps))

        def one(step: Step, outgoing: Outgoing) -> Exchange:
            barrier.wait()
            if step.pause:
                self._sleep(step.pause)
            return self._carry_out(step, outgoing, program)

        self._throttle.enter(len(steps))
        with ThreadPoolExecutor(len(steps)) as threads:
            exchanges = tuple(threads.map(one, steps, bound))
        answers.update({step.name: exchange for step, exchange in zip(steps, exchanges, strict=True) if step.name})
        return exchanges

    def outside(self, path: str, program: str) -> Exchange:
        """Ask for a path that is no operation's, to learn how the target answers where it has no route."""
        self._throttle.enter()
        return self._attempt(None, Outgoing("", "GET", path), program, 1)[0]

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _tagged(self, step: Step) -> Step:
        """The step with the metadata of fixtures, where it makes an assistant or a thread that is only a fixture."""
        body = step.body
        if (
            not self._fixture_metadata
            or step.role is not Role.FIXTURE
            or step.operation not in _TAGGED
            or not isinstance(body, Mapping)
            or "metadata" in body
        ):
            return step
        return replace(step, body={**body, "metadata": self._fixture_metadata})

    def _carry_out(self, step: Step, outgoing: Outgoing, program: str) -> Exchange:
        waited = 0.0
        for attempt in itertools.count(1):
            exchange, arrival = self._attempt(step, outgoing, program, attempt)
            pause = self._pause(outgoing, arrival, attempt)
            if pause is None or attempt >= self._patience.attempts or waited + pause > self._patience.wait:
                return exchange
            if not _is_overload(arrival):
                self._sleep(pause)
            self._throttle.enter()
            waited += pause
        raise AssertionError("attempts are bounded")

    def _attempt(self, step: Step | None, outgoing: Outgoing, program: str, attempt: int) -> tuple[Exchange, Arrival]:
        if self._admission is None:
            return self._sent(step, outgoing, program, attempt)
        self._admission.admit(step)
        exchange = None
        try:
            exchange, arrival = self._sent(step, outgoing, program, attempt)
        finally:
            self._admission.settle(step, exchange)
        return exchange, arrival

    def _sent(self, step: Step | None, outgoing: Outgoing, program: str, attempt: int) -> tuple[Exchange, Arrival]:
        sent, shown = self._headers(outgoing)
        with self._lock:
            self._count += 1
            # As exact as the history is written, so that whoever judges the file judges the same.
            index, started = self._count, round(time.monotonic(), 6)
        wall = round(time.time(), 3)
        arrival = self.transport.send(outgoing, sent, step is not None and step.stream)
        self._heed(arrival, attempt)
        exchange = Exchange(
            id=f"x{index:06d}",
            index=index,
            program=program,
            operation=outgoing.operation or None,
            request=_request(outgoing, shown),
            response=arrival.response,
            completion=arrival.completion,
            # Taken with the index, so that both give the same order; a little earlier than the request itself.
            started=started,
            ended=round(arrival.ended, 6),
            wall=wall,
            step=step,
            path=outgoing.ids or {},
            attempt=attempt,
            problem=arrival.problem,
            edition=self.edition,
            dialect=self.dialect,
        )
        return self.recorder.record(exchange), arrival

    def _heed(self, arrival: Arrival, attempt: int) -> None:
        """Make everybody wait where the target asks for it; who asks for more than there is patience is not heeded."""
        if not _is_overload(arrival):
            self._throttle.let_through()
            return
        pause = self._pause_of_overload(arrival, attempt)
        if pause is not None and pause <= self._patience.wait:
            self._throttle.hold(pause)

    def _pause(self, outgoing: Outgoing, arrival: Arrival, attempt: int) -> float | None:
        """The seconds after which this may be sent again, or None where it may not."""
        if arrival.stale and outgoing.method == "GET":
            return 0.0
        return self._usual_pause(attempt) if arrival.turned_away else self._pause_of_overload(arrival, attempt)

    def _pause_of_overload(self, arrival: Arrival, attempt: int) -> float | None:
        if arrival.response is None or not _is_overload(arrival):
            return None
        asked = retry_after(arrival.response.headers)
        return self._usual_pause(attempt) if asked is None and arrival.response.status == 429 else asked

    def _usual_pause(self, attempt: int) -> float:
        return self._patience.pauses[min(attempt, len(self._patience.pauses)) - 1]

    def _headers(self, outgoing: Outgoing) -> tuple[Headers, Headers]:
        """The header fields of a request as they are sent, and as they are shown."""
        kind = (outgoing.key, bool(outgoing.content))
        usual = self._usual.get(kind)
        if usual is None:
            usual = self._usual[kind] = self._usual_headers(*kind)
        if not outgoing.headers:
            return usual
        changed = {name.lower() for name in outgoing.headers}
        added = tuple((name, value) for name, value in outgoing.headers.items() if value is not None)
        for name, value in added:
            if not base_url.can_be_sent(name, value):
                raise SuiteFault(f"a step of {outgoing.operation} sets the header {name!r}, which cannot be sent")
        kept, kept_shown = (tuple(pair for pair in pairs if pair[0].lower() not in changed) for pairs in usual)
        return (*kept, *added), (*kept_shown, *added)

    def _usual_headers(self, key: Key, has_content: bool) -> tuple[Headers, Headers]:
        plain = [("Accept", "*/*"), ("Accept-Encoding", ACCEPTED), ("User-Agent", USER_AGENT), BETA_HEADER]
        if has_content:
            plain.append(("Content-Type", "application/json"))
        where = self.transport.address
        extra = where.headers
        carrier = self.credentials.header.lower()
        if key in (Key.WRONG, Key.NONE, Key.BASIC):
            # Whatever else the user gave to get in must not open the door where a key is missing or wrong.
            extra = tuple(pair for pair in extra if pair[0].lower() != carrier and not where.is_secret(*pair))
        elif key is Key.SECOND:
            extra = tuple(pair for pair in extra if pair[0].lower() not in (carrier, "authorization"))
        given = {name.lower() for name, _ in extra}
        usual = (*plain, *self.credentials.carried(key))
        sent = (*(pair for pair in usual if pair[0].lower() not in given), *extra)
        return sent, tuple(
            (name, REDACTED if value in where.hidden else shown_value(name, value)) for name, value in sent
        )


def _is_overload(arrival: Arrival) -> bool:
    return arrival.response is not None and arrival.response.status in LATER


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that Retry-After asks for, whether as a number or as a date; None where it asks nothing readable."""
    text = headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _request(outgoing: Outgoing, shown: Headers) -> Request:
    text = None
    if outgoing.body is ABSENT and outgoing.content is not None:
        text = outgoing.content.decode("latin-1")
        if len(text) > _TEXT_KEPT:
            text = f"{text[:_TEXT_KEPT]}... ({len(text)} bytes)"
    return Request(outgoing.method, outgoing.path, outgoing.query, dict(shown), outgoing.body, text)
