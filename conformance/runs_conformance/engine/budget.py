"""What a run may use up, and what it has used so far; shared by all workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.errors import BudgetSpent
from runs_conformance.model.exchange import LATER, Completion, Exchange
from runs_conformance.model.json import JSON, is_object

SILENCE = 12
"""So many requests in a row without any answer mean that the target is gone."""

SILENCE_OF_ONE = 6
"""So many requests of one operation in a row without any answer mean that more would show the same."""

USELESS = 24
"""So many answers in a row that say nothing, being redirections or broken off, mean the same."""

STORM = 60
"""So many answers in a row that only say "not now" mean that the target will not be tested at this time."""


@dataclass(slots=True)
class Counts:
    """What has been used up."""

    requests: int = 0
    runs_started: int = 0
    cases: int = 0
    tokens: int | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Budget:
    """Limits that the user set, and the counts they are held against. None is no limit.

    Each program looks at them between its moves; what must not be overstepped by one is for the admission.
    """

    requests: int | None = None
    runs: int | None = None
    seconds: float | None = None
    now: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    _began: float = field(init=False)
    stopped: str | None = None
    _unanswered: int = 0
    _put_off: int = 0
    _useless: int = 0
    _broken: int = 0
    _unanswered_of: Counter[str] = field(default_factory=Counter)
    _counted: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._began = self.now()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.now() - self._began

    def check(self) -> None:
        """Raise BudgetSpent where a limit is reached or the target has fallen silent."""
        counts = self.counts
        if self.stopped is not None:
            raise BudgetSpent(self.stopped)
        if self.requests is not None and counts.requests >= self.requests:
            raise BudgetSpent(f"the limit of {self.requests} requests is reached")
        if self.seconds is not None and self.elapsed >= self.seconds:
            raise BudgetSpent(f"the limit of {self.seconds:g} seconds is reached")
        if self._unanswered >= SILENCE:
            raise BudgetSpent(f"the target stopped answering: {self._unanswered} requests in a row got no answer")
        if self._useless >= USELESS:
            raise BudgetSpent(
                f"the target became unusable: {self._useless} answers in a row were redirections or broken off"
            )
        if self._broken >= STORM:
            raise BudgetSpent(f"the target became unusable: {self._broken} answers in a row were server errors")
        if self._put_off >= STORM:
            raise BudgetSpent(
                f"the target was asked {self._put_off} times in a row and always said to come back later (HTTP 429 or "
                "503); try --rate-limit 1/s"
            )

    def is_silent(self, operation: str) -> bool:
        """Whether the target leaves the requests of an operation unanswered, time after time."""
        return self._unanswered_of[operation] >= SILENCE_OF_ONE

    def stop(self, why: str) -> None:
        """End the run at the next move of every program."""
        self.stopped = why

    def count(self, exchange: Exchange) -> None:
        """Count one exchange."""
        with self._lock:
            self.counts.requests += 1
            answered = exchange.completion is Completion.ANSWERED or exchange.response is not None
            self._unanswered = 0 if answered else self._unanswered + 1
            usable = exchange.completion is Completion.ANSWERED and not 300 <= (exchange.status or 0) < 400
            self._useless = 0 if usable else self._useless + 1
            self._broken = self._broken + 1 if (exchange.status or 0) >= 500 else 0
            self._put_off = self._put_off + 1 if exchange.status in LATER else 0
            name = exchange.operation or ""
            self._unanswered_of[name] = 0 if answered else self._unanswered_of[name] + 1
            if exchange.step is not None and exchange.attempt == 1:
                self.counts.cases += 1
            if exchange.accepted and exchange.operation and OPERATIONS[exchange.operation].creates == "run":
                self.counts.runs_started += 1
            self._count_tokens(exchange)

    def _count_tokens(self, exchange: Exchange) -> None:
        """Add a finished run's usage, once for each run."""
        for id_, total in usages(exchange):
            if id_ not in self._counted:
                self._counted.add(id_)
                self.counts.tokens = (self.counts.tokens or 0) + total


def runs_in(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """The runs that an exchange shows, as a whole or in events."""
    for value in (exchange.body, *(event.data for event in exchange.events)):
        if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("id"), str):
            yield value


def usages(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """The runs that an exchange shows to be over, each with the tokens that it is said to have used."""
    for run in runs_in(exchange):
        usage = run.get("usage")
        total = usage.get("total_tokens") if is_object(usage) else None
        if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
            yield str(run["id"]), total
