"""Admission control: admits a request only if the budget also covers the requests that clean up after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan import TOKENS_PER_RUN
from runs_conformance.engine.token_usage import TokenCount, runs_in
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange

_CLEANUP_REQUESTS = {"create_assistant": 1, "create_thread": 1, "create_run": 1, "create_thread_and_run": 2}
"""Number of requests that undo each operation: a deletion, a cancellation, or both."""


@dataclass(slots=True)
class AdmissionControl:
    """Enforces the limits on requests, runs and tokens exactly, regardless of the number of workers.

    `pending_cleanup` returns the number of requests that cleanup would take now; None disables cleanup. That number is
    always reserved, so that nothing is left on the target when the budget runs out. A run counts from the moment its
    creation is sent. Until a run reports its token usage, it counts with the highest cost seen so far.
    """

    budget: Budget
    max_tokens: int | None = None
    pending_cleanup: Callable[[], int] | None = None
    _requests: int = 0
    _reserved: int = 0
    _runs_started: int = 0
    _runs_in_flight: int = 0
    _runs_without_usage: set[str] = field(default_factory=set)
    _runs_without_id: int = 0
    _max_run_tokens: int = TOKENS_PER_RUN
    _tokens: TokenCount = field(default_factory=TokenCount)
    _runs_with_usage: set[str] = field(default_factory=set)
    _condition: threading.Condition = field(default_factory=threading.Condition)

    def admit(self, step: Step | None) -> None:
        """Block until the request may be sent. Raises BudgetExhausted if the limits do not allow it.

        Waits for requests in flight if their outcome decides.
        """
        with self._condition:
            while self._find_refusal(step, optimistic=False) is not None:
                reason = self._find_refusal(step, optimistic=True)
                if reason is not None:
                    raise BudgetExhausted(reason)
                self._condition.wait(0.5)
            self._requests += 1
            if not _is_cleanup(step):
                self._reserved += _cleanup_requests(step)
                self._runs_in_flight += _creates_run(step)

    def release(self, step: Step | None, exchange: Exchange | None) -> None:
        """Account for an admitted request. `exchange` is None if its outcome is unknown."""
        with self._condition:
            if not _is_cleanup(step):
                self._reserved -= _cleanup_requests(step)
                self._runs_in_flight -= _creates_run(step)
                if _creates_run(step):
                    self._count_run(exchange)
            if exchange is not None:
                for id_, total in self._tokens.record(exchange):
                    self._runs_with_usage.add(id_)
                    self._runs_without_usage.discard(id_)
                    self._max_run_tokens = max(self._max_run_tokens, total)
            self._condition.notify_all()

    def _count_run(self, exchange: Exchange | None) -> None:
        if exchange is not None and exchange.accepted:
            self._runs_started += 1
            id_ = next((str(run["id"]) for run in runs_in(exchange)), "")
            if not id_:
                self._runs_without_id += 1
            elif id_ not in self._runs_with_usage:
                self._runs_without_usage.add(id_)
        elif exchange is None or (exchange.completion is Completion.UNKNOWN and not exchange.refused):
            # The run may have been started, but its id will never be known.
            self._runs_started += 1
            self._runs_without_id += 1

    def _find_refusal(self, step: Step | None, *, optimistic: bool) -> str | None:
        """The reason why a request must not be sent; None if it may be sent. `optimistic` assumes that every
        request in flight fails.
        """
        budget = self.budget
        if budget.is_over and not _is_cleanup(step):
            return budget.stop_reason or budget.time_reason
        request_limit, run_limit = budget.request_limit, budget.run_limit
        if request_limit is not None:
            reserved = 0
            if self.pending_cleanup is not None and not _is_cleanup(step):
                reserved = self.pending_cleanup() + _cleanup_requests(step) + (0 if optimistic else self._reserved)
            if self._requests + 1 + reserved > request_limit[0]:
                return request_limit[1]
        if _is_cleanup(step) or not _creates_run(step):
            return None
        in_flight = 0 if optimistic else self._runs_in_flight
        if run_limit is not None and self._runs_started + in_flight >= run_limit[0]:
            return run_limit[1]
        if self.max_tokens is not None:
            unknown = (len(self._runs_without_usage) + self._runs_without_id + in_flight + 1) * self._max_run_tokens
            if (self._tokens.total or 0) + unknown > self.max_tokens:
                per_run = f"{self._max_run_tokens:,} for a run of unknown cost"
                return f"the limit of {self.max_tokens:,} tokens is reached, at {per_run}"
        return None


def _is_cleanup(step: Step | None) -> bool:
    return step is not None and step.role is Role.CLEANUP


def _cleanup_requests(step: Step | None) -> int:
    return _CLEANUP_REQUESTS.get(step.operation, 0) if step is not None else 0


def _creates_run(step: Step | None) -> bool:
    return step is not None and OPERATIONS[step.operation].creates == "run"
