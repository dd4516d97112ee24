"""What was done to a run, and what of it may have taken effect between two looks."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.lifecycle import TRANSITIONS
from conformance.evidence.sighting import Sighting
from conformance.evidence.timeline import RunLine
from conformance.model.exchange import Completion, Exchange


def took_effect(exchange: Exchange) -> bool:
    """Whether the request may have been carried out: it was accepted, or nobody knows. A 4xx says that it was not."""
    if exchange.accepted or exchange.completion is Completion.UNKNOWN:
        return True
    return exchange.status is not None and exchange.status >= 500


def acts_between(run: RunLine, operation: str, earlier: Sighting, later: Sighting) -> Iterator[Exchange]:
    """The acts of one operation upon a run that may have taken effect after one sighting and before another."""
    for exchange in run.acts(operation):
        if took_effect(exchange) and exchange.ended >= earlier.begins and exchange.started <= later.ends:
            yield exchange


def resumed_between(run: RunLine, earlier: Sighting, later: Sighting) -> bool:
    """Whether tool outputs may have been taken between two sightings."""
    return any(acts_between(run, "submit_tool_outputs", earlier, later))


def cancelled_between(run: RunLine, earlier: Sighting, later: Sighting) -> bool:
    """Whether the run may have been told to stop between two sightings: by a cancellation, or with its thread."""
    return any(acts_between(run, "cancel_run", earlier, later)) or any(
        exchange.operation == "delete_thread"
        and exchange.path.get("thread_id") == run.thread_id
        and took_effect(exchange)
        and exchange.started <= later.ends
        for exchange in run.history
    )


def reachable_without_outputs(status: str) -> frozenset[str]:
    """The statuses that a run can come to from this one while nobody submits tool outputs, itself included."""
    seen, todo = {status}, [status]
    while todo:
        current = todo.pop()
        following = TRANSITIONS.get(current, frozenset())
        if current == "requires_action":
            following -= {"queued", "in_progress"}
        todo.extend(following - seen)
        seen |= following
    return frozenset(seen)
