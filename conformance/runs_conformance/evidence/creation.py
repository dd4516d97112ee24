"""What was created, by which request and with which key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import observations_in
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History


@dataclass(frozen=True, eq=False)
class Creation:
    """One object that an accepted request left behind.

    `thread` is the thread it is in, if it is in one. `created_at` is the target's time, None where it showed none.
    """

    kind: str
    id: str
    exchange: Exchange
    thread: str | None
    created_at: float | None

    @property
    def key(self) -> Key:
        """The key that created it."""
        return key_of(self.exchange)


def key_of(exchange: Exchange) -> Key:
    """The key that a request was sent with; recorded traffic has one only."""
    return exchange.step.key if exchange.step else Key.PRIMARY


@lru_cache(maxsize=16)
def creations(history: History) -> tuple[Creation, ...]:
    """Every object that a request of a history created, in order; of create thread and run both."""
    found: list[Creation] = []
    for exchange in history:
        kind = OPERATIONS[exchange.operation].creates if exchange.operation else None
        shown = next((s for s in observations_in(exchange) if s.kind == kind and s.id), None)
        if kind is None or shown is None:
            continue
        thread = exchange.path.get("thread_id") or shown.text("thread_id") or None
        if exchange.operation == "create_thread_and_run" and thread:
            found.append(Creation("thread", thread, exchange, None, None))
        found.append(Creation(kind, shown.id, exchange, thread, shown.time("created_at")))
    return tuple(found)
