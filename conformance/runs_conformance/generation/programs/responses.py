"""Reads what a program needs from a response to continue."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.contract.event import readable_events
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object
from runs_conformance.model.list_body import listed_ids

PENDING_CALLS = "/required_action/submit_tool_outputs/tool_calls"
"""JSON Pointer to the calls that a waiting run needs outputs for."""


def response_object(exchange: Exchange, kind: str = "thread.run") -> Mapping[str, JSON]:
    """The object in an accepted response: its body or, in a stream, the last object of this kind; empty if refused."""
    if not exchange.accepted:
        return {}
    for event in reversed(tuple(readable_events(exchange.events))):
        if is_object(event.data) and event.data.get("object") == kind:
            return event.data
    return exchange.body if is_object(exchange.body) else {}


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
