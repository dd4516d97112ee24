"""Sends the steps of programs and records every attempt as an exchange."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from runs_conformance.client import base_url
from runs_conformance.client.admission import Admission
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import PreparedRequest, prepare
from runs_conformance.client.recorder import Recorder
from runs_conformance.client.recovery import Recovery
from runs_conformance.client.retry_policy import RetryPolicy, is_overload
from runs_conformance.client.synchronization import Synchronization
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import USER_AGENT, SendResult, Transport
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request
from runs_conformance.model.json import ABSENT
from runs_conformance.wire.content_encoding import ACCEPT_ENCODING
from runs_conformance.wire.redaction import REDACTED, redact_value

_MAX_TEXT = 4000
_OPERATIONS_WITH_METADATA = ("create_assistant", "create_thread")
Headers = tuple[tuple[str, str], ...]


class Session:
    """Sends steps to one target and records every exchange. Thread-safe.

    A request is retried only if it certainly had no effect: the connection was refused, or the response was 429, or
    503 with Retry-After. A GET is also retried if a kept-alive connection turned out to be closed. A POST of unknown
    completion is never retried. All threads share the throttle, so none sends while the target asks to wait.

    Assistants and threads that serve only as fixtures carry `fixture_metadata`, so that people recognize them.
    `recorded_exchanges` is the number of exchanges already in a continued history. If `admission` is given, it must
    admit every attempt. If `recovery` is given, a target that refuses connections after it had responded is waited for,
    and the request is not sent again.
    """

    def __init__(
        self,
        transport: Transport,
        recorder: Recorder,
        credentials: Credentials,
        edition: str = DEFAULT_EDITION,
        dialect: str | None = None,
        retry_policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
        throttle: Throttle | None = None,
        fixture_metadata: Mapping[str, str] | None = None,
        recorded_exchanges: int = 0,
        admission: Admission | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        self.transport = transport
        self.recorder = recorder
        self.edition = edition
        self.dialect = dialect or transport.address.dialect.family.name
        self.credentials = credentials
        self._retry_policy = retry_policy or RetryPolicy()
        self._sleep = sleep
        self._throttle = throttle or Throttle(sleep=sleep)
        self._fixture_metadata = dict(fixture_metadata or {})
        self._admission = admission
        self._recovery = recovery
        self._has_answered = False
        self._lock = threading.Lock()
        self._count = recorded_exchanges
        self._default_headers: dict[tuple[Key, bool], tuple[Headers, Headers]] = {}

    def with_recorder(self, recorder: Recorder) -> Session:
        """A session for the same target that shares the throttle and uses another recorder."""
        return Session(
            self.transport,
            recorder,
            self.credentials,
            self.edition,
            self.dialect,
            self._retry_policy,
            self._sleep,
            self._throttle,
            self._fixture_metadata,
            admission=self._admission,
            recovery=self._recovery,
        )

    @property
    def request_count(self) -> int:
        """Number of requests sent."""
        return self._count

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step, with retries; store the exchange of a named step in `exchanges_by_step`.

        Raises UnresolvedReference if an earlier response lacks a value that the step refers to.
        """
        request = prepare(self._with_fixture_metadata(step), exchanges_by_step)
        self.transport.begin_program(program)
        if step.pause:
            self._sleep(step.pause)
        self._throttle.acquire()
        exchange = self._send_with_retries(step, request, program)
        if exchange.refused and self._with_fixture_metadata(step) is not step:
            # The server may not support metadata: go on without it.
            self._fixture_metadata = {}
        if step.name:
            exchanges_by_step[step.name] = exchange
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, each on its own connection, or after their pauses or events.

        Returns the exchanges in the order of the steps.
        """
        requests = [prepare(self._with_fixture_metadata(step), exchanges_by_step) for step in steps]
        synchronization = Synchronization(steps, self.transport, self._sleep)

        def send_one(step: Step, request: PreparedRequest) -> Exchange:
            synchronization.wait(step)
            try:
                return self._send_with_retries(step, request, program)
            finally:
                synchronization.finish(step)

        self._throttle.acquire(len(steps))
        with ThreadPoolExecutor(len(steps)) as threads:
            try:
                exchanges = tuple(threads.map(send_one, steps, requests))
            except BaseException:
                synchronization.abort()
                raise
        exchanges_by_step.update(
            {step.name: exchange for step, exchange in zip(steps, exchanges, strict=True) if step.name}
        )
        return exchanges

    def probe_path(self, path: str, program: str) -> Exchange:
        """Send a GET request to a path outside the API, to learn how the target responds for a missing route."""
        self._throttle.acquire()
        return self._attempt(None, PreparedRequest("", "GET", path), program, 1)[0]

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _with_fixture_metadata(self, step: Step) -> Step:
        """Add the fixture metadata to a step that creates an assistant or a thread as a fixture."""
        body = step.body
        if (
            not self._fixture_metadata
            or step.role is not Role.FIXTURE
            or step.operation not in _OPERATIONS_WITH_METADATA
            or not isinstance(body, Mapping)
            or "metadata" in body
        ):
            return step
        return replace(step, body={**body, "metadata": self._fixture_metadata})

    def _send_with_retries(self, step: Step, request: PreparedRequest, program: str) -> Exchange:
        total_delay = 0.0
        for attempt in itertools.count(1):
            exchange, result = self._attempt(step, request, program, attempt)
            if result.response is None and self._has_restarted(result):
                # The objects of the request may be lost: sending it again would show the state of another server.
                return exchange
            delay = self._retry_policy.delay(request, result, attempt)
            if (
                delay is None
                or attempt >= self._retry_policy.max_attempts
                or total_delay + delay > self._retry_policy.max_wait
            ):
                return exchange
            if not is_overload(result):
                self._sleep(delay)
            self._throttle.acquire()
            total_delay += delay
        raise AssertionError("attempts are bounded")

    def _has_restarted(self, result: SendResult) -> bool:
        """Whether the target stopped listening, and listens again now."""
        if self._recovery is None or not self._has_answered:
            return False
        if result.connection_refused:
            return self._recovery.wait(result.ended)
        return result.completion is Completion.UNKNOWN and self._recovery.wait_if_down(result.ended)

    def _attempt(
        self, step: Step | None, request: PreparedRequest, program: str, attempt: int
    ) -> tuple[Exchange, SendResult]:
        if self._admission is None:
            return self._send_once(step, request, program, attempt)
        self._admission.admit(step)
        exchange = None
        try:
            exchange, result = self._send_once(step, request, program, attempt)
        finally:
            self._admission.release(step, exchange)
        return exchange, result

    def _send_once(
        self, step: Step | None, request: PreparedRequest, program: str, attempt: int
    ) -> tuple[Exchange, SendResult]:
        sent_headers, recorded_headers = self._headers(request)
        with self._lock:
            self._count += 1
            # Rounded as in the history file, so that judging the file gives the same verdicts.
            index, started = self._count, round(time.monotonic(), 6)
        wall = round(time.time(), 3)
        is_stream, leave_at_event = (step.stream, step.leave_at_event) if step is not None else (False, "")
        result = self.transport.send(request, sent_headers, is_stream, leave_at_event)
        self._honour_retry_after(result, attempt)
        self._has_answered |= result.response is not None
        exchange = Exchange(
            id=f"x{index:06d}",
            index=index,
            program=program,
            operation=request.operation or None,
            request=_as_recorded(request, recorded_headers),
            response=result.response,
            completion=result.completion,
            # Taken together with the index, so that both give the same order; before the connection is open.
            started=started,
            sent=None if result.sent is None else round(result.sent, 6),
            ended=round(result.ended, 6),
            wall=wall,
            step=step,
            path=request.ids or {},
            attempt=attempt,
            problem=result.problem,
            edition=self.edition,
            dialect=self.dialect,
        )
        return self.recorder.record(exchange), result

    def _honour_retry_after(self, result: SendResult, attempt: int) -> None:
        """Throttle all threads if the target asks to wait, unless it asks for more than the retry policy allows."""
        if not is_overload(result):
            self._throttle.record_accepted()
            return
        delay = self._retry_policy.overload_delay(result, attempt)
        if delay is not None and delay <= self._retry_policy.max_wait:
            self._throttle.back_off(delay)

    def _headers(self, request: PreparedRequest) -> tuple[Headers, Headers]:
        """The header fields of a request as sent, and as recorded."""
        variant = (request.key, bool(request.content))
        default = self._default_headers.get(variant)
        if default is None:
            default = self._default_headers[variant] = self._build_default_headers(*variant)
        if not request.headers:
            return default
        changed = {name.lower() for name in request.headers}
        added = tuple((name, value) for name, value in request.headers.items() if value is not None)
        for name, value in added:
            if not base_url.is_valid_header(name, value):
                raise InternalError(f"a step of {request.operation} sets the invalid header {name!r}")
        remaining, remaining_recorded = (
            tuple(pair for pair in pairs if pair[0].lower() not in changed) for pairs in default
        )
        return (*remaining, *added), (*remaining_recorded, *added)

    def _build_default_headers(self, key: Key, has_content: bool) -> tuple[Headers, Headers]:
        headers = [("Accept", "*/*"), ("Accept-Encoding", ACCEPT_ENCODING), ("User-Agent", USER_AGENT), BETA_HEADER]
        if has_content:
            headers.append(("Content-Type", "application/json"))
        address = self.transport.address
        extra = address.headers
        key_header = self.credentials.header.lower()
        if key in (Key.WRONG, Key.NONE, Key.BASIC):
            # Other secrets supplied by the user must not grant access to a request with a missing or wrong key.
            extra = tuple(pair for pair in extra if pair[0].lower() != key_header and not address.is_secret(*pair))
        elif key is Key.SECOND:
            extra = tuple(pair for pair in extra if pair[0].lower() not in (key_header, "authorization"))
        overridden = {name.lower() for name, _ in extra}
        default = (*headers, *self.credentials.headers_for(key))
        sent_headers = (*(pair for pair in default if pair[0].lower() not in overridden), *extra)
        return sent_headers, tuple(
            (name, REDACTED if value in address.secret_values else redact_value(name, value))
            for name, value in sent_headers
        )


def _as_recorded(request: PreparedRequest, headers: Headers) -> Request:
    text = None
    if request.body is ABSENT and request.content is not None:
        text = request.content.decode("latin-1")
        if len(text) > _MAX_TEXT:
            text = f"{text[:_MAX_TEXT]}... ({len(text)} bytes)"
    return Request(request.method, request.path, request.query, dict(headers), request.body, text)
