"""Messages sent in the request that created a thread or a run, and the list of messages read afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.complete_list import (
    NOT_SHOWN_TO_ITS_END,
    complete_lists_of,
    may_end_early,
    unended_lists,
)
from runs_conformance.evidence.message_content import (
    MessageContent,
    appear_in_order,
    message_content,
    message_contents,
    missing_contents,
)
from runs_conformance.evidence.observation import Observation, message_observations, observations_in
from runs_conformance.evidence.page import UNKNOWN_ORDER, Page, pages, shown_order
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.sent_messages import may_be_deleted_before, messages_sent_to, requests_with_messages
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Result, Suspicion


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

        The creation times of its items show it, or else those of other lists of messages requested in the same order.
        If the request names no order, the list counts as reversed unless they show the documented default.
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


def check_all_listed(supplied: SuppliedMessages | Page, message: str) -> Iterator[Result]:
    """Check that the list shows every supplied message; `message` is that of a finding, with a place for the role."""
    if isinstance(supplied, Page):
        yield Inconclusive(NOT_SHOWN_TO_ITS_END)
    elif not supplied.missing:
        yield PASSED
    elif (name := supplied.unrecognizable) is not None:
        yield Suspicion(f"listed messages have no `{name}`, which would tell what they are")
    elif supplied.is_late:
        yield Inconclusive("a later list shows the messages that the first one lacks")
    elif supplied.may_be_unlisted:
        yield Suspicion("the list may have ended early, or another response shows the messages that it lacks")
    else:
        yield from supplied.losses(message)


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


@lru_cache(maxsize=16)
def supplied_messages(history: History) -> tuple[SuppliedMessages, ...]:
    """Every accepted request with messages after which a complete list of its thread was read."""
    return tuple(_supplied_messages(history))


def unended_lists_of_supplied(history: History, *operations: str) -> Iterator[Page]:
    """The lists of messages read after one of these requests with messages, if none of them was shown to its end."""
    for exchange, _, thread_id in requests_with_messages(history):
        if exchange.operation in operations:
            for page in unended_lists(history):
                is_of_thread = page.kind == "message" and page.exchange.path.get("thread_id") == thread_id
                if is_of_thread and "run_id" not in page.query and exchange.happened_before(page.exchange):
                    yield page
                    break


def _supplied_messages(history: History) -> Iterator[SuppliedMessages]:
    for exchange, messages, thread_id in requests_with_messages(history):
        run_id = next((observation.id for observation in observations_in(exchange) if observation.kind == "run"), "")
        for page in complete_lists_of(history, "list_messages", thread_id=thread_id):
            is_later = exchange.happened_before(page.exchange)
            if is_later and not may_be_deleted_before(history, thread_id, page.exchange, "delete_message"):
                yield SuppliedMessages(exchange, thread_id, run_id, tuple(messages), page, history)
                break
