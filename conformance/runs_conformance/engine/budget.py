"""The limits of a test run and its usage so far; shared by all workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.event import readable_events
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.forecast import Forecast
from runs_conformance.errors import BudgetExhausted
from runs_conformance.evidence.description import describe_request
from runs_conformance.evidence.server_failure import stream_timed_out
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import RETRY_LATER_STATUSES, Completion, Exchange
from runs_conformance.model.json import JSON, is_object

MAX_CONSECUTIVE_UNANSWERED = 12
"""Consecutive unanswered requests after which the target is considered gone."""

MIN_UNANSWERED_AT_END = 4
"""Unanswered requests at the end of all programs after which the target is considered gone."""

MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION = 6
"""Consecutive unanswered requests of one operation after which the operation is no longer called."""

MAX_CONSECUTIVE_UNUSABLE = 24
"""Consecutive unusable responses (redirects, truncated) after which the target is considered gone."""

MAX_CONSECUTIVE_RETRY_LATER = 60
"""Consecutive HTTP 429 or 503 responses after which the target is considered overloaded."""

MAX_CONSECUTIVE_DENIED, MIN_DENIED_OPERATIONS = 24, 3
"""Consecutive HTTP 401 or 403 responses to the valid key, and the number of different operations among them, from which
the key is considered revoked. A target may forbid single operations.
"""

MAX_CONSECUTIVE_SERVER_ERRORS = 60
"""Consecutive server errors after which the target is considered broken."""


MAX_CONSECUTIVE_FAILED = 60
"""Failures of valid requests without an acceptance between them, whatever their kinds, after which the target is
considered broken, if they are of several operations: redirects, HTTP 401, 403, 429 and 5xx, and no response.
"""

MAX_LARGE_BYTES, MAX_AVERAGE_BYTES = 100 * 2**20, 100 * 2**10
"""Memory that all large responses of a target take, and that they take per request, from which on reading more of them
is not worth its time. Requests to an ordinary server take a few kilobytes each.
"""

MAX_CONSECUTIVE_STUCK_RUNS = 10
"""Consecutive runs and streams that never ended after which further runs are not worth waiting for."""

_SLEEP_STEP = 0.2


@dataclass(slots=True)
class Counts:
    """Usage of a test run. `seconds` is its duration; `tokens` is None until a run reports its usage."""

    requests: int = 0
    runs_started: int = 0
    cases: int = 0
    tokens: int | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Budget:
    """The limits set by the user and the usage counted against them. None means no limit.

    The `forecast` of the plan limits requests and runs for which the user set no limit.
    Programs check the budget between steps and may exceed it slightly; AdmissionControl enforces limits exactly.
    `recoveries` is how often the target stopped listening and came back. `cleanup_end` is when the final cleanup has to
    end, once it has begun.
    """

    max_requests: int | None = None
    max_runs: int | None = None
    max_seconds: float | None = None
    now: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    forecast: Forecast | None = None
    _started: float = field(init=False)
    stop_reason: str | None = None
    recoveries: int = 0
    cleanup_end: float | None = None
    _unanswered: int = 0
    _retry_later: int = 0
    _unusable: int = 0
    _server_errors: int = 0
    _failed: Counter[str] = field(default_factory=Counter)
    _large_bytes: int = 0
    _denied: Counter[str] = field(default_factory=Counter)
    _stuck_runs: Counter[str] = field(default_factory=Counter)
    _first_unanswered: str = ""
    _unanswered_by_operation: Counter[str] = field(default_factory=Counter)
    _counted_runs: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._started = self.now()

    @property
    def elapsed(self) -> float:
        """Seconds since the test run began."""
        return self.now() - self._started

    @property
    def time_is_up(self) -> bool:
        """Whether the time limit is reached."""
        return self.max_seconds is not None and self.elapsed >= self.max_seconds

    @property
    def is_over(self) -> bool:
        """Whether the test run was stopped, or its time is up."""
        return self.stop_reason is not None or self.time_is_up

    @property
    def time_reason(self) -> str:
        """Why nothing more is sent once the time is up."""
        return f"the limit of {self.max_seconds:g} seconds is reached"

    def sleep(self, seconds: float) -> None:
        """Sleep, but not longer than the test run, or than the cleanup after it."""
        end = min(self.now() + seconds, self.cleanup_end or float("inf"))
        while (remaining := end - self.now()) > 0 and (self.cleanup_end or not self.is_over):
            time.sleep(min(remaining, _SLEEP_STEP))

    @property
    def request_limit(self) -> tuple[int, str] | None:
        """The limit on requests, and why no more are sent once it is reached; None if there is none."""
        if self.max_requests is not None:
            return self.max_requests, f"the limit of {self.max_requests} requests is reached"
        if self.forecast is not None and self.forecast.max_requests is not None:
            return self.forecast.max_requests, self.forecast.requests_reason
        return None

    @property
    def run_limit(self) -> tuple[int, str] | None:
        """The limit on runs, and why no more are started once it is reached; None if there is none."""
        if self.max_runs is not None:
            return self.max_runs, f"the limit of {self.max_runs} runs is reached"
        if self.forecast is not None and self.forecast.max_runs is not None:
            return self.forecast.max_runs, self.forecast.runs_reason
        return None

    def check(self) -> None:
        """Raise BudgetExhausted if a limit is reached or the target no longer responds usefully."""
        counts = self.counts
        if self.stop_reason is not None:
            raise BudgetExhausted(self.stop_reason)
        limit = self.request_limit
        if limit is not None and counts.requests >= limit[0]:
            raise BudgetExhausted(limit[1])
        if self.time_is_up:
            raise BudgetExhausted(self.time_reason)
        if self._unanswered >= MAX_CONSECUTIVE_UNANSWERED:
            raise BudgetExhausted(
                f"the target stopped responding: {self._unanswered} requests in a row got no response, "
                f"the first of them {self._first_unanswered}"
            )
        if self._unusable >= MAX_CONSECUTIVE_UNUSABLE:
            raise BudgetExhausted(
                f"the target became unusable: {self._unusable} responses in a row were redirects or truncated"
            )
        if self._server_errors >= MAX_CONSECUTIVE_SERVER_ERRORS:
            raise BudgetExhausted(
                f"the target became unusable: {self._server_errors} responses in a row were server errors"
            )
        if self._denied.total() >= MAX_CONSECUTIVE_DENIED and len(self._denied) >= MIN_DENIED_OPERATIONS:
            raise BudgetExhausted(
                f"the target no longer accepts the API key: {self._denied.total()} requests in a row were answered "
                "with HTTP 401 or 403"
            )
        if (failed := self._failed.total()) >= MAX_CONSECUTIVE_FAILED and len(self._failed) >= MIN_DENIED_OPERATIONS:
            raise BudgetExhausted(
                f"the target became unusable: {failed} valid requests failed, and none was accepted between them"
            )
        if self._large_bytes > max(MAX_LARGE_BYTES, MAX_AVERAGE_BYTES * counts.requests):
            raise BudgetExhausted(
                f"the target's responses are too large: those to {counts.requests} requests take "
                f"{self._large_bytes // 2**20} MB of memory"
            )
        if self._retry_later >= MAX_CONSECUTIVE_RETRY_LATER:
            raise BudgetExhausted(
                f"the target answered {self._retry_later} requests in a row with HTTP 429 or 503; try --rate-limit 1/s"
            )

    def check_runs_end(self) -> None:
        """Raise BudgetExhausted if the last runs did not end, so that neither a new run nor a poll shows more."""
        if (stuck := self._stuck_runs.total()) >= MAX_CONSECUTIVE_STUCK_RUNS:
            listed = ", ".join(f"{count} {where}" for where, count in self._stuck_runs.most_common())
            raise BudgetExhausted(f"the last {stuck} runs did not end before the run timeout ({listed})")

    @property
    def allows_requests(self) -> bool:
        """Whether no limit of requests or time is reached, and the target responds."""
        try:
            self.check()
        except BudgetExhausted:
            return False
        return self.silence_at_end is None

    @property
    def silence_at_end(self) -> str | None:
        """Why a test run whose programs have ended is incomplete: the target did not respond any more."""
        if self._unanswered < MIN_UNANSWERED_AT_END:
            return None
        return (
            f"the target stopped responding: the last {self._unanswered} requests got no response, "
            f"the first of them {self._first_unanswered}"
        )

    def count_large_response(self, size: int) -> None:
        """Count the memory that a large response takes."""
        with self._lock:
            self._large_bytes += size

    def count_stuck_run(self, status: str) -> None:
        """Count a run that kept a status until the run timeout."""
        self._count_stuck(f"in status {status}" if status else "without a status")

    def _count_stuck(self, where: str) -> None:
        with self._lock:
            self._stuck_runs[where] += 1

    def count_progressing_run(self) -> None:
        """Count a run that reached a status it was polled for."""
        with self._lock:
            self._stuck_runs.clear()

    def record_recovery(self) -> None:
        """Count that the target listens again after it had stopped."""
        with self._lock:
            self.recoveries += 1
            self._unanswered = 0
            self._unanswered_by_operation.clear()

    def is_unresponsive(self, operation: str) -> bool:
        """Whether the target has repeatedly left requests of this operation unanswered."""
        return self._unanswered_by_operation[operation] >= MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION

    def stop(self, reason: str) -> None:
        """End the test run before the next step of every program."""
        self.stop_reason = reason

    def count(self, exchange: Exchange) -> None:
        """Count one exchange."""
        if self.forecast is not None:
            self.forecast.record(exchange)
        if stream_timed_out(exchange):
            self._count_stuck("in a stream without an end")
        with self._lock:
            self.counts.requests += 1
            answered = exchange.completion is Completion.ANSWERED or exchange.response is not None
            if not answered and not self._unanswered:
                self._first_unanswered = f"{exchange.id}, {describe_request(exchange)} of program {exchange.program}"
            self._unanswered = 0 if answered else self._unanswered + 1
            usable = exchange.completion is Completion.ANSWERED and not 300 <= (exchange.status or 0) < 400
            self._unusable = 0 if usable else self._unusable + 1
            if (exchange.status or 0) < 500:
                self._server_errors = 0
            elif exchange.step is None or exchange.step.role is not Role.NEGATIVE:
                # A server may answer each invalid request with 5xx, and serve valid ones.
                self._server_errors += 1
            self._retry_later = self._retry_later + 1 if exchange.status in RETRY_LATER_STATUSES else 0
            name = exchange.operation or ""
            if exchange.step is not None and exchange.step.key is Key.PRIMARY and exchange.status is not None:
                if exchange.status in (401, 403):
                    self._denied[name] += 1
                else:
                    self._denied.clear()
            if exchange.step is not None and exchange.step.key is Key.PRIMARY:
                self._count_failure(exchange, usable)
            self._unanswered_by_operation[name] = 0 if answered else self._unanswered_by_operation[name] + 1
            if exchange.step is not None and exchange.attempt == 1:
                self.counts.cases += 1
            if exchange.accepted and exchange.operation and OPERATIONS[exchange.operation].creates == "run":
                self.counts.runs_started += 1
            self._count_tokens(exchange)

    def _count_failure(self, exchange: Exchange, usable: bool) -> None:
        """Count a valid request that failed for another reason than its content or a missing object."""
        status = exchange.status or 0
        has_failed = not usable or status in (401, 403, 429) or status >= 500
        if exchange.accepted:
            self._failed.clear()
        elif has_failed and exchange.step is not None and exchange.step.role is not Role.NEGATIVE:
            self._failed[exchange.operation or ""] += 1

    def _count_tokens(self, exchange: Exchange) -> None:
        """Add the usage of each finished run once."""
        for id_, total in token_usage(exchange):
            if id_ not in self._counted_runs:
                self._counted_runs.add(id_)
                self.counts.tokens = (self.counts.tokens or 0) + total


def runs_in(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """Yield the run objects in the body and events of an exchange."""
    for value in (exchange.body, *(event.data for event in readable_events(exchange.events))):
        if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("id"), str):
            yield value


def token_usage(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield (run id, total tokens) for each run in an exchange that reports its usage."""
    for run in runs_in(exchange):
        usage = run.get("usage")
        total = usage.get("total_tokens") if is_object(usage) else None
        if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
            yield str(run["id"]), total
