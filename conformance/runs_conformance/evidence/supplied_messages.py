"""Messages sent in the request that created a thread or a run, and the list of messages read afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.complete_list import complete_lists_of, may_end_early, thread_creation, unended_lists
from runs_conformance.evidence.message_content import (
    MessageContent,
    appear_in_order,
    message_content,
    message_contents,
    missing_contents,
)
from runs_conformance.evidence.observation import Observation, message_observations, observations_in
from runs_conformance.evidence.page import UNKNOWN_ORDER, Page, pages, shown_order
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Result

LISTED_LATER = "a later list shows the messages that the first one lacks"
"""Why a rule on supplied messages does not call them lost."""

_WITH_MESSAGES = {
    "create_thread": "/messages",
    "create_thread_and_run": "/thread/messages",
    "create_run": "/additional_messages",
}


@dataclass(frozen=True, eq=False)
class SuppliedMessages:
    """The messages in one accepted request, and the first complete list of the thread's messages after it.

    `run_id` is the id of the run that the request created, an empty string if it created none.
    """

    exchange: Exchange
    thread_id: str
    run_id: str
    messages: tuple[JSON, ...]
    page: Page
    history: History

    @property
    def is_additional(self) -> bool:
        """Whether the messages were added to an existing thread."""
        return self.exchange.operation == "create_run"

    @cached_property
    def contents(self) -> tuple[MessageContent, ...]:
        """The contents of the supplied messages."""
        return message_contents(self.messages)

    @cached_property
    def listed(self) -> tuple[Observation, ...]:
        """The messages of the list, oldest first."""
        return self.page.items if self.page.order == "asc" else self.page.items[::-1]

    @cached_property
    def may_be_reversed(self) -> bool:
        """Whether the list may begin at the other end than the request says, so that `listed` begins with the newest.

        That is what the creation times of its items show, or those of other lists of messages requested in this order.
        If the request names no order, they must show that the documented default holds.
        """
        wrong = "desc" if self.page.order == "asc" else "asc"
        shown = {shown_order(self.page)} - {UNKNOWN_ORDER} or {
            shown_order(other)
            for other in pages(self.history)
            if other.kind == self.page.kind and other.query.get("order") == self.page.query.get("order")
        }
        return wrong in shown or ("order" not in self.page.query and shown <= {UNKNOWN_ORDER})

    @cached_property
    def missing(self) -> tuple[MessageContent, ...]:
        """The supplied contents that the list lacks, given all other messages that were sent to the thread."""
        expected = messages_sent_to(self.history, self.thread_id, self.page.exchange)
        listed = (content for item in self.listed if (content := message_content(item.value)) is not None)
        return tuple(content for content in missing_contents(expected, listed) if content in self.contents)

    @cached_property
    def is_late(self) -> bool:
        """Whether messages are missing that a later list shows: this list lagged behind, and none of them is lost."""
        later = (
            page
            for page in complete_lists_of(self.history, "list_messages", thread_id=self.thread_id)
            if self.page.exchange.happened_before(page.exchange)
        )
        return bool(self.missing) and any(not set(self.missing) & self._missing_from(page) for page in later)

    def _missing_from(self, page: Page) -> set[MessageContent]:
        expected = messages_sent_to(self.history, self.thread_id, page.exchange)
        listed = (content for item in page.items if (content := message_content(item.value)) is not None)
        return set(missing_contents(expected, listed))

    @cached_property
    def altered(self) -> Mapping[MessageContent, Observation]:
        """The missing contents in whose place the list shows a message of the same role with another content."""
        expected = messages_sent_to(self.history, self.thread_id, self.page.exchange)
        pairs = (pair for role in ("user", "assistant") for pair in self._pair_altered(expected, role))
        return {content: item for content, item in pairs if content in self.missing}

    def _pair_altered(
        self, expected: Sequence[MessageContent], role: str
    ) -> Iterable[tuple[MessageContent, Observation]]:
        listed = [item for item in self.listed if item.text("role") == role]
        contents = [content for item in listed if (content := message_content(item.value)) is not None]
        missing = [content for content in missing_contents(expected, contents) if content[0] == role]
        unsent = [item for item in listed if message_content(item.value) not in expected and not _is_answer(item)]
        # With fewer, it is unknown which of the messages are lost.
        return zip(missing, unsent, strict=False) if len(unsent) >= len(missing) else ()

    def losses(self, message: str) -> Iterator[Finding]:
        """A finding for each supplied message that is missing, with this message, or is shown with another content."""
        for content in self.missing:
            item = self.altered.get(content)
            if item is None:
                yield self.page.exchange.finding(message.format(repr(content[0])), "/data")
            else:
                sent = next(each for each in self.messages if message_content(each) == content)
                what = f"the content of a message of role {content[0]!r} differs from the request"
                yield item.finding(what, "/content", at(sent, "/content"), item.get("content"))

    @property
    def may_be_unlisted(self) -> bool:
        """Whether missing messages may be stored: the page may end early, or another response shows one of them.

        A message that the list shows as one of another thread counts, too: its `thread_id` is what is wrong.
        """
        return may_end_early(self.page) or any(
            message_content(each.value) in self.missing
            and (each.exchange is self.page.exchange or each.text("thread_id") == self.thread_id)
            for each in message_observations(self.history)
            if self.exchange.happened_before(each.exchange)
        )

    @property
    def unrecognizable(self) -> str | None:
        """The member without which listed messages may be the missing ones; None if there are fewer of them."""
        incomplete = [
            name
            for item in self.listed
            if (name := next((name for name in ("role", "content") if item.get(name) is ABSENT), None)) is not None
        ]
        return incomplete[0] if incomplete and len(incomplete) >= len(self.missing) else None

    def may_be_modified(self, ids: Collection[str]) -> bool:
        """Whether a message with one of these ids may have been modified before the list was read."""
        return any(
            exchange.operation == "modify_message"
            and exchange.path.get("message_id") in ids
            and may_have_taken_effect(exchange)
            and exchange.started <= self.page.exchange.ended
            for exchange in self.history
        )


UNCERTAIN_ORDER = "the list may be in another order than requested"
"""Why a rule on the order of supplied messages is inconclusive."""


def check_order(supplied: SuppliedMessages, message: str) -> Result:
    """Check that the list shows the supplied messages in the order of the request; `message` is that of a finding."""
    stored = [content for item in supplied.listed if (content := message_content(item.value)) is not None]
    if appear_in_order(supplied.contents, stored):
        return PASSED
    if supplied.may_be_reversed and appear_in_order(supplied.contents, reversed(stored)):
        return Inconclusive(UNCERTAIN_ORDER)
    return supplied.page.exchange.finding(message, "/data")


def _is_answer(message: Observation) -> bool:
    return message.text("role") == "assistant" and message.text("run_id") != ""


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
    if _may_be_deleted_before(history, thread_id, until, "delete_message", "delete_thread"):
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


@lru_cache(maxsize=16)
def supplied_messages(history: History) -> tuple[SuppliedMessages, ...]:
    """Every accepted request with messages after which a complete list of its thread was read."""
    return tuple(_supplied_messages(history))


def unended_lists_of_supplied(history: History, *operations: str) -> Iterator[Page]:
    """The lists of messages read after one of these requests with messages, if none of them was shown to its end."""
    for exchange, _, thread_id in _requests_with_messages(history):
        if exchange.operation in operations:
            for page in unended_lists(history):
                is_of_thread = page.kind == "message" and page.exchange.path.get("thread_id") == thread_id
                if is_of_thread and "run_id" not in page.query and exchange.happened_before(page.exchange):
                    yield page
                    break


def _requests_with_messages(history: History) -> Iterator[tuple[Exchange, Sequence[JSON], str]]:
    """Every accepted request with messages, these messages, and the id of the thread that received them."""
    for exchange in history.select(*_WITH_MESSAGES):
        messages = messages_in_request(exchange)
        if exchange.accepted and is_array(messages) and messages and is_interpretable(exchange):
            yield exchange, messages, receiving_thread(exchange)


def _supplied_messages(history: History) -> Iterator[SuppliedMessages]:
    for exchange, messages, thread_id in _requests_with_messages(history):
        run_id = next((observation.id for observation in observations_in(exchange) if observation.kind == "run"), "")
        for page in complete_lists_of(history, "list_messages", thread_id=thread_id):
            is_later = exchange.happened_before(page.exchange)
            if is_later and not _may_be_deleted_before(history, thread_id, page.exchange, "delete_message"):
                yield SuppliedMessages(exchange, thread_id, run_id, tuple(messages), page, history)
                break


def _may_be_deleted_before(history: History, thread_id: str, until: Exchange, *operations: str) -> bool:
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
