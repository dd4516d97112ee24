"""The limits of a test run and its usage so far; shared by all workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.errors import BudgetExhausted
from runs_conformance.evidence.description import describe_request
from runs_conformance.evidence.server_failure import stream_timed_out
from runs_conformance.model.exchange import RETRY_LATER_STATUSES, Completion, Exchange
from runs_conformance.model.json import JSON, is_object

MAX_CONSECUTIVE_UNANSWERED = 12
"""Consecutive unanswered requests after which the target is considered gone."""

MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION = 6
"""Consecutive unanswered requests of one operation after which the operation is no longer called."""

MAX_CONSECUTIVE_UNUSABLE = 24
"""Consecutive unusable responses (redirects, truncated) after which the target is considered gone."""

MAX_CONSECUTIVE_RETRY_LATER = 60
"""Consecutive HTTP 429 or 503 responses after which the target is considered overloaded."""

MAX_CONSECUTIVE_SERVER_ERRORS = 60
"""Consecutive server errors after which the target is considered broken."""


MAX_CONSECUTIVE_STUCK_RUNS = 10
"""Consecutive runs and streams that never ended after which further runs are not worth waiting for."""


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

    Programs check the budget between steps and may exceed it slightly; AdmissionControl enforces limits exactly.
    """

    max_requests: int | None = None
    max_runs: int | None = None
    max_seconds: float | None = None
    now: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    _started: float = field(init=False)
    stop_reason: str | None = None
    _unanswered: int = 0
    _retry_later: int = 0
    _unusable: int = 0
    _server_errors: int = 0
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

    def check(self) -> None:
        """Raise BudgetExhausted if a limit is reached or the target no longer responds usefully."""
        counts = self.counts
        if self.stop_reason is not None:
            raise BudgetExhausted(self.stop_reason)
        if self.max_requests is not None and counts.requests >= self.max_requests:
            raise BudgetExhausted(f"the limit of {self.max_requests} requests is reached")
        if self.max_seconds is not None and self.elapsed >= self.max_seconds:
            raise BudgetExhausted(f"the limit of {self.max_seconds:g} seconds is reached")
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
        if self._retry_later >= MAX_CONSECUTIVE_RETRY_LATER:
            raise BudgetExhausted(
                f"the target answered {self._retry_later} requests in a row with HTTP 429 or 503; try --rate-limit 1/s"
            )
        if (stuck := self._stuck_runs.total()) >= MAX_CONSECUTIVE_STUCK_RUNS:
            listed = ", ".join(f"{count} {where}" for where, count in self._stuck_runs.most_common())
            raise BudgetExhausted(f"the last {stuck} runs did not end before the run timeout ({listed})")

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

    def is_unresponsive(self, operation: str) -> bool:
        """Whether the target has repeatedly left requests of this operation unanswered."""
        return self._unanswered_by_operation[operation] >= MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION

    def stop(self, reason: str) -> None:
        """End the test run before the next step of every program."""
        self.stop_reason = reason

    def count(self, exchange: Exchange) -> None:
        """Count one exchange."""
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
            self._server_errors = self._server_errors + 1 if (exchange.status or 0) >= 500 else 0
            self._retry_later = self._retry_later + 1 if exchange.status in RETRY_LATER_STATUSES else 0
            name = exchange.operation or ""
            self._unanswered_by_operation[name] = 0 if answered else self._unanswered_by_operation[name] + 1
            if exchange.step is not None and exchange.attempt == 1:
                self.counts.cases += 1
            if exchange.accepted and exchange.operation and OPERATIONS[exchange.operation].creates == "run":
                self.counts.runs_started += 1
            self._count_tokens(exchange)

    def _count_tokens(self, exchange: Exchange) -> None:
        """Add the usage of each finished run once."""
        for id_, total in token_usage(exchange):
            if id_ not in self._counted_runs:
                self._counted_runs.add(id_)
                self.counts.tokens = (self.counts.tokens or 0) + total


def runs_in(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """Yield the run objects in the body and events of an exchange."""
    for value in (exchange.body, *(event.data for event in exchange.events)):
        if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("id"), str):
            yield value


def token_usage(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield (run id, total tokens) for each run in an exchange that reports its usage."""
    for run in runs_in(exchange):
        usage = run.get("usage")
        total = usage.get("total_tokens") if is_object(usage) else None
        if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
            yield str(run["id"]), total
