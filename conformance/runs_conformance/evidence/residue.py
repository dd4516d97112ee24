"""What was refused, and so should be nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.message_content import MessageContent, message_content, message_contents
from runs_conformance.evidence.supplied_messages import messages_in_request
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History


def refused_requests(history: History, *operations: str, **path: str) -> Iterator[Exchange]:
    """The refused exchanges of some operations whose path holds these ids."""
    for exchange in history:
        named = all(exchange.path.get(name) == id_ for name, id_ in path.items())
        if exchange.operation in operations and exchange.refused and named:
            yield exchange


def refused_message_contents(history: History, thread_id: str) -> list[MessageContent]:
    """What callers tried to say to a thread, alone or with a run, and were refused."""
    found: list[MessageContent] = []
    for exchange in refused_requests(history, "create_message", "create_run", thread_id=thread_id):
        found.extend(message_contents(messages_in_request(exchange)))
        one = message_content(exchange.request.body) if exchange.operation == "create_message" else None
        found.extend([one] if one is not None else [])
    return found
