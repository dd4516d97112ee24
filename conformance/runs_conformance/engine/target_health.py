"""The state of the target, by its latest responses: whether it still responds, serves valid requests and ends runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from runs_conformance.evidence.description import describe_request
from runs_conformance.evidence.server_failure import stream_timed_out
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import RETRY_LATER_STATUSES, UNAUTHORIZED_STATUSES, Completion, Exchange

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
"""Memory for all large responses of a target, in total and per request. If they take more than both, reading further
ones is not worth the time; responses of an ordinary server take a few kilobytes each.
"""

MAX_CONSECUTIVE_STUCK_RUNS = 10
"""Consecutive runs and streams that never ended after which further runs are not worth waiting for."""

MAX_STUCK_RUNS_WITHOUT_PROGRESS = 5
"""The same if no run has ever ended. The search for request forms waits only briefly for the first two; the others get
the time that slow runs may take.
"""

_IN_A_STREAM = "in a stream without an end"


@dataclass(slots=True)
class TargetHealth:
    """Counts consecutive failures of several kinds. The caller serializes changes."""

    _unanswered: int = 0
    _retry_later: int = 0
    _unusable: int = 0
    _server_errors: int = 0
    _failed: Counter[str] = field(default_factory=Counter)
    _large_bytes: int = 0
    _denied: Counter[str] = field(default_factory=Counter)
    _stuck_runs: Counter[str] = field(default_factory=Counter)
    _has_progressed: bool = False
    _first_unanswered: str = ""
    _unanswered_by_operation: Counter[str] = field(default_factory=Counter)

    def problem(self, requests: int) -> str | None:
        """Why the target no longer responds usefully, after this number of requests; None if it does."""
        if self._unanswered >= MAX_CONSECUTIVE_UNANSWERED:
            return (
                f"the target stopped responding: {self._unanswered} requests in a row got no response, "
                f"the first of them {self._first_unanswered}"
            )
        if self._unusable >= MAX_CONSECUTIVE_UNUSABLE:
            return f"the target became unusable: {self._unusable} responses in a row were redirects or truncated"
        if self._server_errors >= MAX_CONSECUTIVE_SERVER_ERRORS:
            return f"the target became unusable: {self._server_errors} responses in a row were server errors"
        if self._denied.total() >= MAX_CONSECUTIVE_DENIED and len(self._denied) >= MIN_DENIED_OPERATIONS:
            return (
                f"the target no longer accepts the API key: {self._denied.total()} requests in a row got "
                "HTTP 401 or 403"
            )
        if (failed := self._failed.total()) >= MAX_CONSECUTIVE_FAILED and len(self._failed) >= MIN_DENIED_OPERATIONS:
            return f"the target became unusable: {failed} valid requests failed, and none was accepted between them"
        if self._large_bytes > max(MAX_LARGE_BYTES, MAX_AVERAGE_BYTES * requests):
            return (
                f"the target's responses are too large: those to {requests} requests take "
                f"{self._large_bytes // 2**20} MB of memory"
            )
        if self._retry_later >= MAX_CONSECUTIVE_RETRY_LATER:
            return f"{self._retry_later} requests in a row got HTTP 429 or 503; try --rate-limit 1/s"
        return None

    @property
    def stuck_runs_problem(self) -> str | None:
        """Why no run is worth waiting for: the last runs did not end. None if one of them did."""
        most = MAX_CONSECUTIVE_STUCK_RUNS if self._has_progressed else MAX_STUCK_RUNS_WITHOUT_PROGRESS
        if (stuck := self._stuck_runs.total()) < most:
            return None
        listed = ", ".join(f"{count} {where}" for where, count in self._stuck_runs.most_common())
        return f"the last {stuck} runs did not end before the run timeout ({listed})"

    @property
    def stuck_streams_problem(self) -> str | None:
        """Why no stream is worth opening: the last runs did not end, one of them in a stream. None if one did."""
        return self.stuck_runs_problem if self._stuck_runs[_IN_A_STREAM] else None

    @property
    def unresponsive_problem(self) -> str | None:
        """Why a test run whose programs have ended is incomplete: the target did not respond any more."""
        if self._unanswered < MIN_UNANSWERED_AT_END:
            return None
        return (
            f"the target stopped responding: the last {self._unanswered} requests got no response, "
            f"the first of them {self._first_unanswered}"
        )

    def is_unresponsive(self, operation: str) -> bool:
        """Whether the target has repeatedly left requests of this operation unanswered."""
        return self._unanswered_by_operation[operation] >= MAX_CONSECUTIVE_UNANSWERED_PER_OPERATION

    def count_large_response(self, size: int) -> None:
        """Count the memory that a large response takes."""
        self._large_bytes += size

    def count_stuck_run(self, where: str) -> None:
        """Count a run or stream that did not end, with the status in which it was left, or the like."""
        self._stuck_runs[where] += 1

    def count_progressing_run(self) -> None:
        """Count a run that reached a status it was polled for."""
        self._stuck_runs.clear()
        self._has_progressed = True

    def record_recovery(self) -> None:
        """Forget the unanswered requests: the target listens again."""
        self._unanswered = 0
        self._unanswered_by_operation.clear()

    def count(self, exchange: Exchange) -> None:
        """Count one exchange."""
        if stream_timed_out(exchange):
            self.count_stuck_run(_IN_A_STREAM)
        answered = exchange.completion is Completion.ANSWERED or exchange.response is not None
        if not answered and not self._unanswered:
            self._first_unanswered = f"{exchange.id}, {describe_request(exchange)} of program {exchange.program}"
        self._unanswered = 0 if answered else self._unanswered + 1
        usable = exchange.completion is Completion.ANSWERED and not 300 <= (exchange.status or 0) < 400
        self._unusable = 0 if usable else self._unusable + 1
        if (exchange.status or 0) < 500:
            self._server_errors = 0
        elif exchange.step is None or exchange.step.role is not Role.NEGATIVE:
            # A server may fail on each invalid request with 5xx, and serve valid ones.
            self._server_errors += 1
        self._retry_later = self._retry_later + 1 if exchange.status in RETRY_LATER_STATUSES else 0
        name = exchange.operation or ""
        self._unanswered_by_operation[name] = 0 if answered else self._unanswered_by_operation[name] + 1
        if exchange.step is not None and exchange.step.key is Key.PRIMARY:
            self._count_denial(exchange)
            self._count_failure(exchange, usable)

    def _count_denial(self, exchange: Exchange) -> None:
        if exchange.status in UNAUTHORIZED_STATUSES:
            self._denied[exchange.operation or ""] += 1
        elif exchange.status is not None:
            self._denied.clear()

    def _count_failure(self, exchange: Exchange, usable: bool) -> None:
        """Count a valid request that failed for another reason than its content or a missing object."""
        status = exchange.status or 0
        has_failed = not usable or status in (*UNAUTHORIZED_STATUSES, 429) or status >= 500
        if exchange.accepted:
            self._failed.clear()
        elif has_failed and exchange.step is not None and exchange.step.role is not Role.NEGATIVE:
            self._failed[exchange.operation or ""] += 1
