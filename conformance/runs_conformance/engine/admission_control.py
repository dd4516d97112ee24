"""Admission control: admits a request only if the budget also covers the requests that clean up after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import Budget, runs_in, token_usage
from runs_conformance.engine.plan import TOKENS_PER_RUN
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange

_CLEANED_BY = {"create_assistant": 1, "create_thread": 1, "create_run": 1, "create_thread_and_run": 2}
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
    _sent: int = 0
    _owed_soon: int = 0
    _runs: int = 0
    _starting: int = 0
    _unpriced: set[str] = field(default_factory=set)
    _lost: int = 0
    _worst: int = TOKENS_PER_RUN
    _spent: int = 0
    _priced: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def admit(self, step: Step | None) -> None:
        """Block until the request may be sent. Raises BudgetExhausted if the limits do not allow it.

        If the outcome of requests in flight decides, wait for them.
        """
        with self._changed:
            while (why := self._why_not(step, hopeful=False)) is not None:
                why = self._why_not(step, hopeful=True)
                if why is not None:
                    raise BudgetExhausted(why)
                self._changed.wait(0.5)
            self._sent += 1
            if not _cleans(step):
                self._owed_soon += _owes(step)
                self._starting += _starts(step)

    def release(self, step: Step | None, exchange: Exchange | None) -> None:
        """Account for an admitted request. `exchange` is None if its outcome is unknown."""
        with self._changed:
            if not _cleans(step):
                self._owed_soon -= _owes(step)
                self._starting -= _starts(step)
                if _starts(step):
                    self._note_start(exchange)
            if exchange is not None:
                for id_, total in token_usage(exchange):
                    self._price(id_, total)
            self._changed.notify_all()

    def _note_start(self, exchange: Exchange | None) -> None:
        if exchange is not None and exchange.accepted:
            self._runs += 1
            id_ = next((str(run["id"]) for run in runs_in(exchange)), "")
            if not id_:
                self._lost += 1
            elif id_ not in self._priced:
                self._unpriced.add(id_)
        elif exchange is None or (exchange.completion is Completion.UNKNOWN and not exchange.refused):
            # The run may have been started, but its id will never be known.
            self._runs += 1
            self._lost += 1

    def _price(self, id_: str, total: int) -> None:
        if id_ not in self._priced:
            self._priced.add(id_)
            self._unpriced.discard(id_)
            self._spent += total
            self._worst = max(self._worst, total)

    def _why_not(self, step: Step | None, *, hopeful: bool) -> str | None:
        """Return why a request must not be sent, if so. `optimistic` assumes that every request in flight fails."""
        budget = self.budget
        if budget.stop_reason is not None and not _cleans(step):
            return budget.stop_reason
        if budget.max_requests is not None:
            aside = 0
            if self.pending_cleanup is not None and not _cleans(step):
                aside = self.pending_cleanup() + _owes(step) + (0 if hopeful else self._owed_soon)
            if self._sent + 1 + aside > budget.max_requests:
                return f"the limit of {budget.max_requests} requests is reached"
        if _cleans(step) or not _starts(step):
            return None
        starting = 0 if hopeful else self._starting
        if budget.max_runs is not None and self._runs + starting >= budget.max_runs:
            return f"the limit of {budget.max_runs} runs is reached"
        if self.max_tokens is not None:
            unknown = (len(self._unpriced) + self._lost + starting + 1) * self._worst
            if self._spent + unknown > self.max_tokens:
                return (
                    f"the limit of {self.max_tokens:,} tokens is reached, at {self._worst:,} for a run of unknown cost"
                )
        return None


def _cleans(step: Step | None) -> bool:
    return step is not None and step.role is Role.CLEANUP


def _owes(step: Step | None) -> int:
    return _CLEANED_BY.get(step.operation, 0) if step is not None else 0


def _starts(step: Step | None) -> bool:
    return step is not None and OPERATIONS[step.operation].creates == "run"
