"""Deletion: what was deleted is gone, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.request_expectation import plain, usual
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.standing import message_stands
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result

_DELETES = {"delete_assistant": "assistant_id", "delete_thread": "thread_id", "delete_message": "message_id"}
_OPERATIONS = schema("openai-openapi f85dbe2 openapi.yaml deleteMessage, deleteThread, deleteAssistant")
_ANSWER = schema(
    "openai-openapi f85dbe2 openapi.yaml DeleteMessageResponse, DeleteThreadResponse, DeleteAssistantResponse"
)


@dataclass(frozen=True, eq=False)
class Use:
    """A request that names what had been deleted before. `what` is the parameter that names it."""

    deletion: Exchange
    exchange: Exchange
    what: str

    @property
    def of_itself(self) -> bool:
        """Whether it is a request for the deleted object itself, and not for what was in it."""
        return self.exchange.path.keys() == self.deletion.path.keys()


def _deletions(history: History) -> Iterable[Exchange]:
    return (exchange for exchange in history if exchange.operation in _DELETES and exchange.accepted)


def _uses(history: History) -> Iterator[Use]:
    for deletion in _deletions(history):
        what = _DELETES[deletion.operation or ""]
        for exchange in history:
            named = exchange.path.get(what) or at(exchange.request.body, f"/{what}")
            if usual(exchange) and deletion.before(exchange) and named == deletion.path.get(what):
                yield Use(deletion, exchange, what)


def _deletions_of_messages(history: History) -> Iterator[tuple[Exchange, History]]:
    return ((each, history) for each in history if each.operation == "delete_message" and plain(each))


def _gone(use: Use, why: str) -> Iterator[Result]:
    if use.exchange.accepted:
        yield use.exchange.finding(why, "", 404, use.exchange.status)
    elif use.exchange.refused:
        yield HELD


@rule(over=_deletions, level=Level.MUST, source=_ANSWER, capability="core", items=("L-88",))
def answer_says_so(deletion: Exchange) -> Iterator[Result]:
    """A deletion that succeeds is answered with `deleted` true.

    Client libraries report this member as the outcome. What could not be deleted is refused.
    """
    value = deletion.member("deleted")
    if value is not ABSENT:
        yield HELD if value is True else deletion.finding("the answer does not say deleted", "/deleted", True, value)


@rule(over=_uses, level=Level.MUST, source=_OPERATIONS, capability="core", items=("L-88",))
def what_is_deleted_cannot_be_read(use: Use) -> Iterator[Result]:
    """An assistant, thread or message that was deleted is neither shown nor modified any more.

    People delete what they must not keep. A deletion that only hides an object from lists has not happened.
    """
    if use.of_itself and use.exchange.operation not in _DELETES and use.exchange.operation in _OF_ONE:
        yield from _gone(use, "what was deleted before is answered with success")


_OF_ONE = ("get_assistant", "modify_assistant", "get_thread", "modify_thread", "get_message", "modify_message")


@rule(over=_uses, level=Level.SHOULD, source=_OPERATIONS, capability="errors", items=("L-84", "L-88"))
def what_is_deleted_is_answered_404(use: Use) -> Iterator[Result]:
    """A request for what was deleted is answered 404, as for what never was.

    Clients tell what is gone from what they asked wrongly by this status.
    """
    if use.of_itself and use.exchange.operation in _OF_ONE and use.exchange.refused:
        status = use.exchange.status
        yield HELD if status == 404 else use.exchange.finding(f"answered {status}", "", 404, status)


@rule(over=_uses, level=Level.SHOULD, source=_OPERATIONS, capability="core", items=("L-88",))
def nothing_is_deleted_twice(use: Use) -> Iterator[Result]:
    """What was deleted cannot be deleted again.

    A second success hides that somebody else deleted it first.
    """
    if use.of_itself and use.exchange.operation == use.deletion.operation:
        yield from _gone(use, "what was deleted before was deleted again")


@rule(over=_uses, level=Level.MUST, source=_OPERATIONS, capability="core", items=("L-88",))
def deleted_thread_takes_nothing(use: Use) -> Iterator[Result]:
    """A deleted thread takes no message and starts no run.

    Whatever is added to it can never be read. Look the thread up, in the transaction that writes.
    """
    if use.what == "thread_id" and use.exchange.operation in ("create_message", "create_run"):
        yield from _gone(use, "a deleted thread was used")


@rule(over=_uses, level=Level.SHOULD, source=_OPERATIONS, capability="core", items=("L-88",))
def deleted_thread_shows_nothing(use: Use) -> Iterator[Result]:
    """The messages, runs and steps of a deleted thread are no longer shown.

    What people deleted must not be readable by a longer path. Delete what was in the thread with it.
    """
    if use.what == "thread_id" and not use.of_itself and use.exchange.request.method == "GET":
        yield from _gone(use, "a deleted thread still shows what was in it")
    elif use.what == "thread_id" and use.exchange.operation in ("list_messages", "list_runs"):
        yield from _gone(use, "a deleted thread still lists what was in it")


@rule(over=_uses, level=Level.SHOULD, source=_OPERATIONS, capability="core", items=("L-84", "L-88"))
def deleted_assistant_runs_nothing(use: Use) -> Iterator[Result]:
    """A run cannot be created of an assistant that was deleted.

    Its owner has withdrawn it, and may have done so for good reason.
    """
    if use.what == "assistant_id" and use.exchange.operation in ("create_run", "create_thread_and_run"):
        yield from _gone(use, "a deleted assistant runs")


_NOT_OFFERED = (404, 405, 501)
"""What a server answers that deletes nothing by itself, but with what it is in."""


@rule(
    over=_deletions_of_messages,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="messages",
    operation="delete_message",
    items=("L-88",),
    closed=True,
)
def message_can_be_deleted(asked: tuple[Exchange, History]) -> Iterator[Result]:
    """A message can be deleted, whoever wrote it: the caller or a run.

    An answer may hold what must not be kept. Judged where every run of the thread has ended.
    """
    exchange, history = asked
    if exchange.accepted:
        yield HELD
    elif exchange.refused and exchange.status not in _NOT_OFFERED and message_stands(history, exchange):
        yield exchange.finding("a message could not be deleted", "", 200, exchange.status)


def _reaches(deletion: Exchange, exchange: Exchange) -> bool:
    """Whether a deletion is of something that the path of an exchange names: of the object itself, or what it is in."""
    what = _DELETES.get(deletion.operation or "")
    return what is not None and deletion.path.get(what) in exchange.path.values()


def _refused_deletions(history: History) -> Iterator[tuple[Exchange, Exchange]]:
    """Each refused deletion with the first later read of the same object by its own path, where it was read before."""
    for exchange in history:
        what = _DELETES.get(exchange.operation or "")
        if what is None or not exchange.refused:
            continue
        id_, read = exchange.path[what], (exchange.operation or "").replace("delete_", "get_")
        reads = [e for e in history if e.operation == read and e.path.get(what) == id_]
        there = any(e.accepted and e.before(exchange) for e in reads)
        later = next((e for e in reads if exchange.before(e)), None)
        if there and later is not None and not any(_reaches(e, later) and took_effect(e) for e in history):
            yield exchange, later


@rule(over=_refused_deletions, level=Level.MUST, source=_OPERATIONS, capability="core")
def refused_deletion_deletes_nothing(found: tuple[Exchange, Exchange]) -> Iterator[Result]:
    """What could not be deleted is still there.

    A message whose deletion was refused because its path named another thread must not be gone from its own.
    """
    refused, read = found
    if read.accepted:
        yield HELD
    elif read.status == 404:
        yield read.finding(f"gone, though its deletion was refused with {refused.status}", "", 200, 404)
