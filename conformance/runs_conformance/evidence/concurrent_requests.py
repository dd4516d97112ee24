"""Requests of one kind upon one thing that were under way at the same time: they have no order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_TARGET_PARAMETERS = {
    "create_run": "thread_id",
    "submit_tool_outputs": "run_id",
    "modify_thread": "thread_id",
    "modify_run": "run_id",
    "modify_message": "message_id",
    "modify_assistant": "assistant_id",
    "cancel_run": "run_id",
}


@dataclass(frozen=True, eq=False)
class ConcurrentRequests:
    """Requests of one operation upon the thing with this id, of which each overlaps the first."""

    operation: str
    id: str
    exchanges: tuple[Exchange, ...]
    history: History

    @property
    def accepted(self) -> tuple[Exchange, ...]:
        """Those that were accepted."""
        return tuple(exchange for exchange in self.exchanges if exchange.accepted)

    @property
    def all_decided(self) -> bool:
        """Whether every one of them was accepted or refused, none limited, lost or failed."""
        return all(exchange.accepted or exchange.refused for exchange in self.exchanges)

    @property
    def ended(self) -> float:
        """When the last of them had been answered."""
        return max(exchange.ended for exchange in self.exchanges)


@lru_cache(maxsize=16)
def concurrent_requests(history: History) -> tuple[ConcurrentRequests, ...]:
    """Every collision in a history."""
    return tuple(_concurrent_requests(history))


def _concurrent_requests(history: History) -> Iterator[ConcurrentRequests]:
    taken: set[str] = set()
    for exchange in history:
        named = _TARGET_PARAMETERS.get(exchange.operation or "")
        id_ = exchange.path.get(named) if named else None
        if id_ is None or exchange.id in taken or exchange.completion is Completion.NOT_CONNECTED:
            continue
        others = [other for other in history if _is_concurrent(exchange, other) and other.path.get(named or "") == id_]
        if others:
            taken.update(other.id for other in others)
            yield ConcurrentRequests(exchange.operation or "", id_, (exchange, *others), history)


def _is_concurrent(exchange: Exchange, other: Exchange) -> bool:
    together = not (exchange.happened_before(other) or other.happened_before(exchange))
    later = other.index > exchange.index
    return (
        other.operation == exchange.operation
        and later
        and together
        and other.completion is not Completion.NOT_CONNECTED
    )
