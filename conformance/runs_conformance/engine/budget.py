"""The limits of a test run and its usage so far; shared by all workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.forecast import Forecast
from runs_conformance.engine.rate_limit_usage import RateLimitUsage
from runs_conformance.engine.target_health import TargetHealth
from runs_conformance.engine.token_usage import TokenCount
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.error_message import summarize
from runs_conformance.model.exchange import Exchange

_SLEEP_STEP = 0.2


@dataclass(slots=True)
class Counts:
    """Usage of a test run. `seconds` is its duration; `tokens` is None until a run reports its usage.

    `rate_limited` are the requests that the target refused for its rate limit, `rate_limit_seconds` the wait for it.
    """

    requests: int = 0
    runs_started: int = 0
    cases: int = 0
    tokens: int | None = None
    seconds: float = 0.0
    rate_limited: int = 0
    rate_limit_seconds: float = 0.0


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
    _health: TargetHealth = field(default_factory=TargetHealth)
    _tokens: TokenCount = field(default_factory=TokenCount)
    _rate_limit: RateLimitUsage = field(default_factory=RateLimitUsage)
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
        if (problem := self._health.problem(counts.requests)) is not None:
            raise BudgetExhausted(problem)

    @property
    def stuck_runs_problem(self) -> str | None:
        """Why no run is worth waiting for: the last ones did not end. None if one of them did."""
        return self._health.stuck_runs_problem

    def check_streams_end(self) -> None:
        """Raise BudgetExhausted if the last runs did not end and one of them was streamed: a stream cannot be cut."""
        if (problem := self._health.stuck_streams_problem) is not None:
            raise BudgetExhausted(problem)

    @property
    def allows_requests(self) -> bool:
        """Whether no limit of requests or time is reached, and the target responds."""
        try:
            self.check()
        except BudgetExhausted:
            return False
        return self.unresponsive_problem is None

    @property
    def unresponsive_problem(self) -> str | None:
        """Why a test run whose programs have ended is incomplete: the target did not respond any more."""
        return self._health.unresponsive_problem

    def count_large_response(self, size: int) -> None:
        """Count the memory that a large response takes."""
        with self._lock:
            self._health.count_large_response(size)

    def count_stuck_run(self, status: str) -> None:
        """Count a run that kept a status until the run timeout."""
        with self._lock:
            self._health.count_stuck_run(f"in status {summarize(status)}" if status else "without a status")

    def count_progressing_run(self) -> None:
        """Count a run that reached a status it was polled for."""
        with self._lock:
            self._health.count_progressing_run()

    def record_recovery(self) -> None:
        """Count that the target listens again after it had stopped."""
        with self._lock:
            self.recoveries += 1
            self._health.record_recovery()

    def is_unresponsive(self, operation: str) -> bool:
        """Whether the target has repeatedly left requests of this operation unanswered."""
        return self._health.is_unresponsive(operation)

    def stop(self, reason: str) -> None:
        """End the test run before the next step of every program."""
        self.stop_reason = reason

    def count(self, exchange: Exchange) -> None:
        """Count one exchange."""
        if self.forecast is not None:
            self.forecast.record(exchange)
        with self._lock:
            self.counts.requests += 1
            self._health.count(exchange)
            if exchange.step is not None and exchange.attempt == 1:
                self.counts.cases += 1
            if exchange.accepted and exchange.operation and OPERATIONS[exchange.operation].creates == "run":
                self.counts.runs_started += 1
            self._tokens.record(exchange)
            self.counts.tokens = self._tokens.total
            self._rate_limit.record(exchange)
            self.counts.rate_limited = self._rate_limit.refused
            self.counts.rate_limit_seconds = round(self._rate_limit.seconds, 3)
