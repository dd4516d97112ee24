"""Stops calling an operation whose route the target does not have."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.capabilities import Signature, is_missing_route
from runs_conformance.engine.program_runner import Sender
from runs_conformance.engine.unsent import exchange_without_route
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Exchange

MIN_RESPONSES = 2
"""Responses like those of a missing route, to requests without a reason to refuse, after which an operation is no
longer called.
"""

MIN_RESPONSES_TO_INVALID = 4
"""Number of such responses to invalid requests after which one such response to a valid request is enough, if the path
names no object that may be missing.
"""


@dataclass(slots=True)
class RouteGuard:
    """Sends steps, unless every response to their operation was that of a missing route. Thread-safe.

    A target that lacks an operation responds to all its requests alike, so that further ones show nothing.
    """

    sender: Sender
    no_route: Collection[Signature]
    _missing: Counter[str] = field(default_factory=Counter)
    _missing_though_invalid: Counter[str] = field(default_factory=Counter)
    _existing: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step unless its operation is missing."""
        # A given object stands for one that would be created, even if the target has no operation to get it.
        is_given = step.role is Role.FIXTURE and OPERATIONS[step.operation].method == "GET"
        if not is_given and self._is_missing(step.operation):
            return exchange_without_route(step, program, step.operation)
        exchange = self.sender.send(step, program, exchanges_by_step)
        self._learn_from(step, exchange)
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, or none of them if an operation is missing."""
        if missing := [step.operation for step in steps if self._is_missing(step.operation)]:
            return tuple(exchange_without_route(step, program, missing[0]) for step in steps)
        exchanges = self.sender.send_concurrently(steps, program, exchanges_by_step)
        for step, exchange in zip(steps, exchanges, strict=True):
            self._learn_from(step, exchange)
        return exchanges

    def _is_missing(self, operation: str) -> bool:
        needed = MIN_RESPONSES
        if not OPERATIONS[operation].parameters and self._missing_though_invalid[operation] >= MIN_RESPONSES_TO_INVALID:
            needed = 1
        return operation not in self._existing and self._missing[operation] >= needed

    def _learn_from(self, step: Step, exchange: Exchange) -> None:
        if step.key is not Key.PRIMARY or exchange.response is None:
            return
        with self._lock:
            if is_missing_route(exchange, self.no_route):
                # Some frameworks respond for a missing object as they do for a missing route.
                responses = self._missing_though_invalid if step.role is Role.NEGATIVE else self._missing
                responses[step.operation] += step.dangling is None
            elif exchange.accepted or step.role is not Role.NEGATIVE:
                # A route that takes the requests of a missing one may validate them before it finds no object.
                self._existing.add(step.operation)
