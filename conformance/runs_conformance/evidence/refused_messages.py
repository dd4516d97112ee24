"""Refused requests, and the messages in them."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.message_content import MessageContent, message_content, message_contents
from runs_conformance.evidence.sent_messages import messages_in_request
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History


def refused_requests(history: History, *operations: str, **path: str) -> Iterator[Exchange]:
    """The refused requests of these operations whose path contains these ids."""
    for exchange in history.select(*operations):
        if exchange.refused and all(exchange.path.get(name) == id_ for name, id_ in path.items()):
            yield exchange


def refused_message_contents(history: History, thread_id: str) -> list[MessageContent]:
    """The contents of all messages in refused requests to a thread."""
    return [content for content, _ in refused_messages(history, thread_id)]


def refused_messages(history: History, thread_id: str) -> Iterator[tuple[MessageContent, Exchange]]:
    """The contents of all messages in refused requests to a thread, each with its request."""
    for exchange in refused_requests(history, "create_message", "create_run", thread_id=thread_id):
        for content in message_contents(messages_in_request(exchange)):
            yield content, exchange
        single = message_content(exchange.request.body) if exchange.operation == "create_message" else None
        if single is not None:
            yield single, exchange
