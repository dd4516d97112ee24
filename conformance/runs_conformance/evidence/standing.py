"""Objects that a request for them can reach: seen before it, on a thread that is at rest, and not deleted since."""

from __future__ import annotations

from runs_conformance.evidence.complete_list import is_quiescent
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_DELETIONS = {"delete_thread": "thread_id", "delete_message": "message_id"}


def message_certainly_exists(history: History, exchange: Exchange) -> bool:
    """Whether the message that a path names certainly is in the thread that it names, and no run holds the lock."""
    thread_id, message_id = exchange.path.get("thread_id", ""), exchange.path.get("message_id", "")
    line = next((line for line in timelines("message", history) if line.id == message_id), None)
    seen = line.latest_before(exchange) if line is not None else None
    if seen is None or seen.text("thread_id") != thread_id or not is_quiescent(history, thread_id, exchange):
        return False
    return not any(
        other is not exchange
        and other.operation in _DELETIONS
        and may_have_taken_effect(other)
        and other.started < exchange.ended
        and exchange.path.get(_DELETIONS[other.operation]) == other.path.get(_DELETIONS[other.operation])
        for other in history
    )
