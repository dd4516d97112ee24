"""Reads what a program needs from a response to continue."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.contract.event import readable_events
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object
from runs_conformance.model.list_body import listed_ids

PENDING_CALLS = "/required_action/submit_tool_outputs/tool_calls"
"""JSON Pointer to the calls that a waiting run needs outputs for."""

_STOPPED = frozenset({*TERMINAL, "requires_action"})
"""The statuses of a run at which its stream ends."""


def response_object(exchange: Exchange, kind: str = "thread.run") -> Mapping[str, JSON]:
    """The object in an accepted response: its body or, in a stream, the last object of this kind; empty if refused.

    A stream that was not closed counts if it shows that its run has stopped: it has nothing more to say.
    """
    if not exchange.accepted and not _may_have_succeeded(exchange):
        return {}
    for event in reversed(tuple(readable_events(exchange.events))):
        if is_object(event.data) and event.data.get("object") == kind:
            return event.data if exchange.accepted or _has_stopped(event.data) else {}
    return exchange.body if exchange.accepted and is_object(exchange.body) else {}


def _may_have_succeeded(exchange: Exchange) -> bool:
    """Whether a response with a status of success did not come to its end."""
    is_success = exchange.status is not None and 200 <= exchange.status < 300
    return is_success and exchange.completion is Completion.UNKNOWN


def _has_stopped(run: Mapping[str, JSON]) -> bool:
    value = run.get("status")
    return isinstance(value, str) and value in _STOPPED


def status(exchange: Exchange) -> str:
    """The status of the run or step in a response; empty if there is none."""
    value = response_object(exchange).get("status")
    return value if isinstance(value, str) else ""


def pending_call_count(exchange: Exchange) -> int:
    """How many pending calls the run in a response has; 0 unless all of them have an id and the run requires action."""
    run = response_object(exchange)
    pending = at(run, PENDING_CALLS) if at(run, "/status") == "requires_action" else ABSENT
    ids = [at(call, "/id") for call in pending] if is_array(pending) else []
    return len(ids) if all(isinstance(id_, str) for id_ in ids) else 0


def item_count(exchange: Exchange) -> int:
    """How many objects a page holds; 0 unless all of them have an id."""
    return len(listed_ids(exchange.body)) if exchange.accepted else 0


def has_id(exchange: Exchange) -> bool:
    """Whether an accepted response contains an object with an id."""
    return isinstance(response_object(exchange).get("id"), str)
