"""Messages that came to a thread with the request that created the thread or a run, and the list that shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.complete_list import born_here, whole_lists_of
from runs_conformance.evidence.message_content import Saying, missing, saying, sayings
from runs_conformance.evidence.observation import Sighting, sightings_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import understood
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array

_WITH_MESSAGES = {
    "create_thread": "/messages",
    "create_thread_and_run": "/thread/messages",
    "create_run": "/additional_messages",
}


@dataclass(frozen=True, eq=False)
class Gift:
    """The messages that one accepted request gave to a thread, and the first whole list of the thread thereafter.

    `run_id` names the run that the request created, if it created one.
    """

    exchange: Exchange
    thread_id: str
    run_id: str
    given: tuple[JSON, ...]
    page: Page
    history: History

    @property
    def additional(self) -> bool:
        """Whether they were added to a thread that was there before."""
        return self.exchange.operation == "create_run"

    @cached_property
    def sayings(self) -> tuple[Saying, ...]:
        """What the messages say."""
        return sayings(self.given)

    @cached_property
    def shown(self) -> tuple[Sighting, ...]:
        """The messages of the list, the oldest first."""
        return self.page.items if self.page.order == "asc" else self.page.items[::-1]

    @cached_property
    def lost(self) -> tuple[Saying, ...]:
        """What these messages say that the list does not show, beside all else that was sent to the thread."""
        wanted = sent_to(self.history, self.thread_id, self.page.exchange)
        lost = missing(wanted, (each for item in self.shown if (each := saying(item.value)) is not None))
        return tuple(each for each in lost if each in self.sayings)

    def modified(self, ids: Collection[str]) -> bool:
        """Whether one of these messages may have been modified before the list was read."""
        return any(
            exchange.operation == "modify_message"
            and exchange.path.get("message_id") in ids
            and took_effect(exchange)
            and exchange.started <= self.page.exchange.ended
            for exchange in self.history
        )


def given_by(exchange: Exchange) -> JSON | Absent:
    """The messages that a request gives to a thread beside its main purpose, `ABSENT` if none."""
    where = _WITH_MESSAGES.get(exchange.operation or "")
    return at(exchange.request.body, where) if where else ABSENT


def thread_given_to(exchange: Exchange) -> str:
    """The thread that an accepted request gave messages to."""
    if exchange.operation in ("create_run", "create_message"):
        return exchange.path["thread_id"]
    kind, name = ("thread", "id") if exchange.operation == "create_thread" else ("run", "thread_id")
    return next((seen.text(name) for seen in sightings_in(exchange) if seen.kind == kind), "")


def sent_to(history: History, thread_id: str, until: Exchange) -> list[Saying]:
    """All that accepted requests said to a thread before an exchange."""
    found: list[Saying] = []
    for exchange in history:
        if exchange.accepted and exchange.before(until):
            one = saying(exchange.request.body) if exchange.operation == "create_message" else None
            many = sayings(given_by(exchange))
            if (one or many) and thread_given_to(exchange) == thread_id:
                found.extend(many)
                found.extend([one] if one else [])
    return found


def all_sent_is_known(history: History, thread_id: str, until: Exchange) -> bool:
    """Whether all that callers may have sent to a thread before an exchange is known, and none of it was deleted."""
    birth = born_here(history, thread_id)
    if birth is None or not understood(birth):
        return False
    return not any(
        took_effect(exchange)
        and exchange.started < until.ended
        and exchange.path.get("thread_id") == thread_id
        and (
            exchange.operation in ("delete_message", "delete_thread")
            or (exchange.operation in ("create_message", "create_run") and not _settled(exchange, until))
        )
        for exchange in history
    )


def _settled(exchange: Exchange, until: Exchange) -> bool:
    return exchange.accepted and understood(exchange) and exchange.before(until)


@lru_cache(maxsize=16)
def gifts(history: History) -> tuple[Gift, ...]:
    """Every request that gave messages to a thread whose whole list was seen afterwards."""
    return tuple(_gifts(history))


def _gifts(history: History) -> Iterator[Gift]:
    for exchange in history:
        given = given_by(exchange)
        if not exchange.accepted or not is_array(given) or not given:
            continue
        thread_id = thread_given_to(exchange)
        run_id = next((seen.id for seen in sightings_in(exchange) if seen.kind == "run"), "")
        for page in whole_lists_of(history, "list_messages", thread_id=thread_id):
            if exchange.before(page.exchange) and not _deleted_by(history, thread_id, page.exchange):
                yield Gift(exchange, thread_id, run_id, tuple(given), page, history)
                break


def _deleted_by(history: History, thread_id: str, until: Exchange) -> bool:
    return any(
        exchange.operation == "delete_message"
        and exchange.path.get("thread_id") == thread_id
        and took_effect(exchange)
        and exchange.started < until.ended
        for exchange in history
    )
