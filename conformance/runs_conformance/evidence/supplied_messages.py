"""Messages that came to a thread with the request that created the thread or a run, and the list that shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.complete_list import complete_lists_of, thread_creation
from runs_conformance.evidence.message_content import (
    MessageContent,
    message_content,
    message_contents,
    missing_contents,
)
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array

_WITH_MESSAGES = {
    "create_thread": "/messages",
    "create_thread_and_run": "/thread/messages",
    "create_run": "/additional_messages",
}


@dataclass(frozen=True, eq=False)
class SuppliedMessages:
    """The messages that one accepted request gave to a thread, and the first whole list of the thread thereafter.

    `run_id` names the run that the request created, if it created one.
    """

    exchange: Exchange
    thread_id: str
    run_id: str
    messages: tuple[JSON, ...]
    page: Page
    history: History

    @property
    def is_additional(self) -> bool:
        """Whether they were added to a thread that was there before."""
        return self.exchange.operation == "create_run"

    @cached_property
    def contents(self) -> tuple[MessageContent, ...]:
        """What the messages say."""
        return message_contents(self.messages)

    @cached_property
    def listed(self) -> tuple[Observation, ...]:
        """The messages of the list, the oldest first."""
        return self.page.items if self.page.order == "asc" else self.page.items[::-1]

    @cached_property
    def missing(self) -> tuple[MessageContent, ...]:
        """What these messages say that the list does not show, beside all else that was sent to the thread."""
        wanted = messages_sent_to(self.history, self.thread_id, self.page.exchange)
        lost = missing_contents(
            wanted, (each for item in self.listed if (each := message_content(item.value)) is not None)
        )
        return tuple(each for each in lost if each in self.contents)

    def may_be_modified(self, ids: Collection[str]) -> bool:
        """Whether one of these messages may have been modified before the list was read."""
        return any(
            exchange.operation == "modify_message"
            and exchange.path.get("message_id") in ids
            and may_have_taken_effect(exchange)
            and exchange.started <= self.page.exchange.ended
            for exchange in self.history
        )


def messages_in_request(exchange: Exchange) -> JSON | Absent:
    """The messages that a request gives to a thread beside its main purpose, `ABSENT` if none."""
    where = _WITH_MESSAGES.get(exchange.operation or "")
    return at(exchange.request.body, where) if where else ABSENT


def receiving_thread(exchange: Exchange) -> str:
    """The thread that an accepted request gave messages to."""
    if exchange.operation in ("create_run", "create_message"):
        return exchange.path["thread_id"]
    kind, name = ("thread", "id") if exchange.operation == "create_thread" else ("run", "thread_id")
    return next((seen.text(name) for seen in observations_in(exchange) if seen.kind == kind), "")


def messages_sent_to(history: History, thread_id: str, until: Exchange) -> list[MessageContent]:
    """All that accepted requests said to a thread before an exchange."""
    found: list[MessageContent] = []
    for exchange in history:
        if exchange.accepted and exchange.happened_before(until):
            one = message_content(exchange.request.body) if exchange.operation == "create_message" else None
            many = message_contents(messages_in_request(exchange))
            if (one or many) and receiving_thread(exchange) == thread_id:
                found.extend(many)
                found.extend([one] if one else [])
    return found


def all_messages_are_known(history: History, thread_id: str, until: Exchange) -> bool:
    """Whether all that callers may have sent to a thread before an exchange is known, and none of it was deleted."""
    birth = thread_creation(history, thread_id)
    if birth is None or not is_interpretable(birth):
        return False
    return not any(
        may_have_taken_effect(exchange)
        and exchange.started < until.ended
        and exchange.path.get("thread_id") == thread_id
        and (
            exchange.operation in ("delete_message", "delete_thread")
            or (exchange.operation in ("create_message", "create_run") and not _is_certain(exchange, until))
        )
        for exchange in history
    )


def _is_certain(exchange: Exchange, until: Exchange) -> bool:
    return exchange.accepted and is_interpretable(exchange) and exchange.happened_before(until)


@lru_cache(maxsize=16)
def supplied_messages(history: History) -> tuple[SuppliedMessages, ...]:
    """Every request that gave messages to a thread whose whole list was seen afterwards."""
    return tuple(_supplied_messages(history))


def _supplied_messages(history: History) -> Iterator[SuppliedMessages]:
    for exchange in history:
        given = messages_in_request(exchange)
        if not exchange.accepted or not is_array(given) or not given:
            continue
        thread_id = receiving_thread(exchange)
        run_id = next((seen.id for seen in observations_in(exchange) if seen.kind == "run"), "")
        for page in complete_lists_of(history, "list_messages", thread_id=thread_id):
            if exchange.happened_before(page.exchange) and not _may_be_deleted_before(
                history, thread_id, page.exchange
            ):
                yield SuppliedMessages(exchange, thread_id, run_id, tuple(given), page, history)
                break


def _may_be_deleted_before(history: History, thread_id: str, until: Exchange) -> bool:
    return any(
        exchange.operation == "delete_message"
        and exchange.path.get("thread_id") == thread_id
        and may_have_taken_effect(exchange)
        and exchange.started < until.ended
        for exchange in history
    )


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
