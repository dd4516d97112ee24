"""Lets requests through while the budget bears them, together with what they will have to be cleaned up by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import Budget, runs_in, usages
from runs_conformance.engine.plan import TOKENS_PER_RUN
from runs_conformance.errors import BudgetSpent
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange

_CLEANED_BY = {"create_assistant": 1, "create_thread": 1, "create_run": 1, "create_thread_and_run": 2}
"""How many requests take away again what an operation creates: a deletion, a cancellation, or both."""


@dataclass(slots=True)
class Admission:
    """Holds requests, runs and tokens to the budget exactly, whatever number of workers sends.

    `owed` says how many requests cleaning up would take now, None that nothing is cleaned up: so many are always held
    back, so that a budget that is used up leaves nothing behind. A run counts from the moment its creation is sent; its
    tokens count as the most that one may cost until it says what it did cost.
    """

    budget: Budget
    tokens: int | None = None
    owed: Callable[[], int] | None = None
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
        """Wait until a request may be sent. Raises BudgetSpent where it may not.

        Where another request on its way decides, its answer is awaited.
        """
        with self._changed:
            while (why := self._why_not(step, hopeful=False)) is not None:
                why = self._why_not(step, hopeful=True)
                if why is not None:
                    raise BudgetSpent(why)
                self._changed.wait(0.5)
            self._sent += 1
            if not _cleans(step):
                self._owed_soon += _owes(step)
                self._starting += _starts(step)

    def settle(self, step: Step | None, exchange: Exchange | None) -> None:
        """Enter what came of a request that was admitted; None where that is not known."""
        with self._changed:
            if not _cleans(step):
                self._owed_soon -= _owes(step)
                self._starting -= _starts(step)
                if _starts(step):
                    self._note_start(exchange)
            if exchange is not None:
                for id_, total in usages(exchange):
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
            # It may have been started, and nobody will ever know.
            self._runs += 1
            self._lost += 1

    def _price(self, id_: str, total: int) -> None:
        if id_ not in self._priced:
            self._priced.add(id_)
            self._unpriced.discard(id_)
            self._spent += total
            self._worst = max(self._worst, total)

    def _why_not(self, step: Step | None, *, hopeful: bool) -> str | None:
        """What is in a request's way; where one is hopeful, whatever is on its way comes to nothing."""
        budget = self.budget
        if budget.stopped is not None and not _cleans(step):
            return budget.stopped
        if budget.requests is not None:
            aside = 0
            if self.owed is not None and not _cleans(step):
                aside = self.owed() + _owes(step) + (0 if hopeful else self._owed_soon)
            if self._sent + 1 + aside > budget.requests:
                return f"the limit of {budget.requests} requests is reached"
        if _cleans(step) or not _starts(step):
            return None
        starting = 0 if hopeful else self._starting
        if budget.runs is not None and self._runs + starting >= budget.runs:
            return f"the limit of {budget.runs} runs is reached"
        if self.tokens is not None:
            unknown = (len(self._unpriced) + self._lost + starting + 1) * self._worst
            if self._spent + unknown > self.tokens:
                return f"the limit of {self.tokens:,} tokens is reached, at {self._worst:,} for a run of unknown cost"
        return None


def _cleans(step: Step | None) -> bool:
    return step is not None and step.role is Role.CLEANUP


def _owes(step: Step | None) -> int:
    return _CLEANED_BY.get(step.operation, 0) if step is not None else 0


def _starts(step: Step | None) -> bool:
    return step is not None and OPERATIONS[step.operation].creates == "run"
