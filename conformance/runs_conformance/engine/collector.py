"""Keeps the exchanges of each program in memory until the program is judged."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from runs_conformance.client.recorder import Recorder
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.memory import MAX_PROGRAM_BYTES, is_large, response_cost, without_content
from runs_conformance.engine.resources import ResourceTracker
from runs_conformance.model.exchange import Exchange


class Collector:
    """A recorder that counts each exchange, keeps it for its program and passes it to another recorder.

    `tracker` knows the objects that the exchanges left on the target. Once the responses of a program take too much
    memory, what further large ones hold is left out.
    """

    def __init__(self, recorder: Recorder, budget: Budget, tracker: ResourceTracker | None = None) -> None:
        self.tracker = tracker or ResourceTracker()
        self._recorder = recorder
        self._budget = budget
        self._held: defaultdict[str, list[Exchange]] = defaultdict(list)
        self._costs: Counter[str] = Counter()
        self._lock = threading.Lock()

    def record(self, exchange: Exchange) -> Exchange:
        """Record an exchange; each attempt at a request is one. Raises UsageError if it cannot be written."""
        self.tracker.record(exchange)
        cost = response_cost(exchange.response)
        with self._lock:
            exceeds = self._costs[exchange.program] + cost > MAX_PROGRAM_BYTES
            if not exceeds:
                self._costs[exchange.program] += cost
        if is_large(exchange.response):
            self._budget.count_large_response(cost)
        if exceeds:
            exchange = without_content(exchange)
        written = self._recorder.record(exchange)
        self._budget.count(written)
        with self._lock:
            self._held[written.program].append(written)
        return written

    def take(self, program: str) -> list[Exchange]:
        """Remove and return the exchanges of a program."""
        with self._lock:
            self._costs.pop(program, None)
            return self._held.pop(program, [])
