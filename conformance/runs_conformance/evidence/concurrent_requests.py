"""Overlapping requests of one operation on one object; their order is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.model.exchange import Completion, Exchange, were_simultaneous
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
    """Requests of one operation on the object with this id, each of which overlaps the first."""

    operation: str
    id: str
    exchanges: tuple[Exchange, ...]
    history: History

    @property
    def accepted(self) -> tuple[Exchange, ...]:
        """The accepted requests."""
        return tuple(exchange for exchange in self.exchanges if exchange.accepted)

    @property
    def all_decided(self) -> bool:
        """Whether each request was accepted or refused; false if one was rate limited, lost or failed."""
        return all(exchange.accepted or exchange.refused for exchange in self.exchanges)

    @property
    def are_simultaneous(self) -> bool:
        """Whether all of them were sent before the first response, so the target may have processed them together."""
        return were_simultaneous(self.exchanges)

    @property
    def ended(self) -> float:
        """When the last response ended."""
        return max(exchange.ended for exchange in self.exchanges)


@lru_cache(maxsize=16)
def concurrent_requests(history: History) -> tuple[ConcurrentRequests, ...]:
    """Every group of concurrent requests in a history."""
    return tuple(_concurrent_requests(history))


def _concurrent_requests(history: History) -> Iterator[ConcurrentRequests]:
    grouped: set[str] = set()
    for exchange in history:
        parameter = _TARGET_PARAMETERS.get(exchange.operation or "")
        id_ = exchange.path.get(parameter) if parameter else None
        if id_ is None or exchange.id in grouped or exchange.completion is Completion.NOT_CONNECTED:
            continue
        others = [
            other
            for other in history.select(exchange.operation or "")
            if other.path.get(parameter or "") == id_ and _is_concurrent(exchange, other)
        ]
        if others:
            grouped.update(other.id for other in others)
            yield ConcurrentRequests(exchange.operation or "", id_, (exchange, *others), history)


def _is_concurrent(exchange: Exchange, other: Exchange) -> bool:
    overlaps = not (exchange.happened_before(other) or other.happened_before(exchange))
    started_later = other.index > exchange.index
    return (
        other.operation == exchange.operation
        and started_later
        and overlaps
        and other.completion is not Completion.NOT_CONNECTED
    )
