"""Messages that requests sent to a thread, and whether all of them are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from runs_conformance.evidence.complete_list import thread_creation
from runs_conformance.evidence.message_content import MessageContent, message_content, message_contents
from runs_conformance.evidence.observation import message_observations, observations_in
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object

_WITH_MESSAGES = {
    "create_thread": "/messages",
    "create_thread_and_run": "/thread/messages",
    "create_run": "/additional_messages",
}


def messages_in_request(exchange: Exchange) -> JSON | Absent:
    """The messages in a request that creates a thread or a run; `ABSENT` if there are none."""
    pointer = _WITH_MESSAGES.get(exchange.operation or "")
    return at(exchange.request.body, pointer) if pointer else ABSENT


def receiving_thread(exchange: Exchange) -> str:
    """The id of the thread that received the messages of an accepted request."""
    if exchange.operation in ("create_run", "create_message"):
        return exchange.path["thread_id"]
    kind, name = ("thread", "id") if exchange.operation == "create_thread" else ("run", "thread_id")
    return next((observation.text(name) for observation in observations_in(exchange) if observation.kind == kind), "")


def messages_sent_to(history: History, thread_id: str, until: Exchange) -> list[MessageContent]:
    """The contents of all messages that accepted requests sent to a thread before an exchange."""
    return [
        content
        for exchange, contents in _messages_by_thread(history).get(thread_id, ())
        if exchange.happened_before(until)
        for content in contents
    ]


@lru_cache(maxsize=16)
def _messages_by_thread(history: History) -> dict[str, list[tuple[Exchange, tuple[MessageContent, ...]]]]:
    """By thread, the accepted requests that sent messages to it, with the contents of these."""
    found: dict[str, list[tuple[Exchange, tuple[MessageContent, ...]]]] = {}
    for exchange in history.select("create_message", *_WITH_MESSAGES):
        if exchange.accepted:
            single = message_content(exchange.request.body) if exchange.operation == "create_message" else None
            several = message_contents(messages_in_request(exchange))
            if single or several:
                contents = (*several, *([single] if single else ()))
                found.setdefault(receiving_thread(exchange), []).append((exchange, contents))
    return found


def all_messages_are_known(
    history: History, thread_id: str, until: Exchange, only: MessageContent | None = None
) -> bool:
    """Whether every message that may have been sent to a thread before an exchange is known, and none was deleted.

    With `only`, messages of other contents may be unknown.
    """
    creation = thread_creation(history, thread_id)
    if creation is None or not is_interpretable(creation) or not creation.happened_before(until):
        return False
    if may_be_deleted_before(history, thread_id, until, "delete_message", "delete_thread"):
        return False
    return not any(
        may_have_taken_effect(exchange)
        and exchange.started < until.ended
        and not _is_certain(exchange, until)
        and _may_send(exchange, only)
        for exchange in history.in_thread(thread_id, "create_message", "create_run")
    )


def _may_send(exchange: Exchange, content: MessageContent | None) -> bool:
    """Whether a request may have sent a message of this content; None stands for any."""
    sent = (message_content(exchange.request.body), *message_contents(messages_in_request(exchange)))
    return content is None or not is_object(exchange.request.body) or content in sent


def _is_certain(exchange: Exchange, until: Exchange) -> bool:
    return exchange.accepted and is_interpretable(exchange) and exchange.happened_before(until)


def requests_with_messages(history: History) -> Iterator[tuple[Exchange, Sequence[JSON], str]]:
    """Every accepted request with messages, these messages, and the id of the thread that received them."""
    for exchange in history.select(*_WITH_MESSAGES):
        messages = messages_in_request(exchange)
        if exchange.accepted and is_array(messages) and messages and is_interpretable(exchange):
            yield exchange, messages, receiving_thread(exchange)


def may_be_deleted_before(history: History, thread_id: str, until: Exchange, *operations: str) -> bool:
    """Whether one of these operations may have deleted messages of a thread, or the thread, before an exchange."""
    homes = _threads_of_messages(history)
    return any(
        may_have_taken_effect(exchange)
        and exchange.started < until.ended
        # A deletion through the path of another thread must not remove any message of that thread.
        and thread_id in homes.get(exchange.path.get("message_id", ""), {exchange.path.get("thread_id")})
        for exchange in history.select(*operations)
    )


@lru_cache(maxsize=16)
def _threads_of_messages(history: History) -> dict[str, set[str | None]]:
    """By message id, the threads whose own path showed it: several, if ids are unique within a thread only."""
    found: dict[str, set[str | None]] = {}
    for message in message_observations(history):
        thread_id = message.text("thread_id")
        if message.id and thread_id == message.exchange.path.get("thread_id"):
            found.setdefault(message.id, set()).add(thread_id)
    return found
