"""Holds the exchanges of each program until it is judged, beside the file they are written to."""

from __future__ import annotations

import threading
from collections import defaultdict

from runs_conformance.client.recorder import Recorder
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.resources import Ledger
from runs_conformance.model.exchange import Exchange


class Collector:
    """A recorder that passes every exchange on, counts it, and keeps it for its program.

    `ledger` knows what they left on the target.
    """

    def __init__(self, recorder: Recorder, budget: Budget, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._recorder = recorder
        self._budget = budget
        self._held: defaultdict[str, list[Exchange]] = defaultdict(list)
        self._lock = threading.Lock()

    def record(self, exchange: Exchange) -> Exchange:
        """Take down an exchange, every attempt at a request being one. Raises UsageError where it cannot be written."""
        self.ledger.note(exchange)
        written = self._recorder.record(exchange)
        self._budget.count(written)
        with self._lock:
            self._held[written.program].append(written)
        return written

    def take(self, program: str) -> list[Exchange]:
        """The exchanges of a program, which are forgotten here."""
        with self._lock:
            return self._held.pop(program, [])
