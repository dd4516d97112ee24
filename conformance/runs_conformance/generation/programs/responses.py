"""What a program reads in an answer to know how to go on."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object

PENDING = "/required_action/submit_tool_outputs/tool_calls"
"""Where a waiting run names the calls whose outputs it wants."""


def shown(exchange: Exchange, kind: str = "thread.run") -> Mapping[str, JSON]:
    """The object an accepted answer shows: its body or, of a stream, the last event's object of this kind."""
    if not exchange.accepted:
        return {}
    for event in reversed(exchange.events):
        if is_object(event.data) and event.data.get("object") == kind:
            return event.data
    return exchange.body if is_object(exchange.body) else {}


def status(exchange: Exchange) -> str:
    """The status of the run or step that an answer shows; nothing where it shows none."""
    found = shown(exchange).get("status")
    return found if isinstance(found, str) else ""


def calls(exchange: Exchange) -> int:
    """How many calls wait for outputs in the run that an answer shows: those that can be referred to."""
    pending = at(shown(exchange), PENDING)
    ids = [at(call, "/id") for call in pending] if is_array(pending) else []
    return len(ids) if all(isinstance(id_, str) for id_ in ids) else 0


def items(exchange: Exchange) -> int:
    """How many objects with an id a page holds."""
    data = exchange.member("data") if exchange.accepted else ABSENT
    ids = [at(item, "/id") for item in data] if is_array(data) else []
    return len(ids) if all(isinstance(id_, str) for id_ in ids) else 0


def made(exchange: Exchange) -> bool:
    """Whether an accepted answer shows an object that can be referred to."""
    return isinstance(shown(exchange).get("id"), str)
