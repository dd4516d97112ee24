"""Deletion requests: their responses, and what a refused one leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.complete_list import message_certainly_exists
from runs_conformance.evidence.creation import uses_key_of_creator
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

DELETED_PARAMETERS = {"delete_assistant": "assistant_id", "delete_thread": "thread_id", "delete_message": "message_id"}
"""The deleting operations, with the path parameter that names the object."""

_OPERATIONS = schema("openai-openapi f85dbe2 openapi.yaml deleteMessage, deleteThread, deleteAssistant")
_ANSWER = schema(
    "openai-openapi f85dbe2 openapi.yaml DeleteMessageResponse, DeleteThreadResponse, DeleteAssistantResponse"
)


def accepted_deletions(history: History) -> Iterable[Exchange]:
    """Every accepted deletion of an assistant, a thread or a message."""
    return (exchange for exchange in history if exchange.operation in DELETED_PARAMETERS and exchange.accepted)


def _deletions_of_messages(history: History) -> Iterator[tuple[Exchange, History]]:
    return ((each, history) for each in history if each.operation == "delete_message" and must_be_accepted(each))


@rule(
    units=accepted_deletions,
    level=Level.MUST,
    source=_ANSWER,
    capability="core",
    clauses=("deleted-object-is-gone",),
    formerly=("deletion.answer_says_so",),
)
def response_shows_the_deletion(deletion: Exchange) -> Iterator[Result]:
    """The response to a successful deletion has `deleted` true.

    Client libraries report this member as the outcome.

    Fix: Refuse a deletion that fails instead of responding with `deleted` false.
    """
    value = deletion.member("deleted")
    if value is not ABSENT:
        yield (
            PASSED
            if value is True
            else deletion.finding("the response does not have deleted true", "/deleted", True, value)
        )


_UNSUPPORTED_STATUSES = (405, 501)
"""HTTP statuses that say that the operation does not exist."""

_NOT_IMPLEMENTED_STATUSES = (404, *_UNSUPPORTED_STATUSES)
"""HTTP statuses of servers that do not implement the deletion of single messages."""


@rule(
    units=_deletions_of_messages,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="messages",
    operation="delete_message",
    clauses=("deleted-object-is-gone",),
    needs_complete_history=True,
)
def message_can_be_deleted(unit: tuple[Exchange, History]) -> Iterator[Result]:
    """A message can be deleted, whether the caller or a run created it.

    An answer may contain data that must not be kept. Judged only if every run of the thread has ended.

    Fix: Delete messages regardless of their role.
    """
    exchange, history = unit
    if exchange.accepted:
        yield PASSED
    elif (
        exchange.refused
        and exchange.status not in _NOT_IMPLEMENTED_STATUSES
        and message_certainly_exists(history, exchange)
    ):
        yield exchange.finding("the deletion of an existing message was refused", "", 200, exchange.status)


def _affects(deletion: Exchange, exchange: Exchange) -> bool:
    """Whether a deletion is of an object that the path of an exchange names."""
    parameter = DELETED_PARAMETERS.get(deletion.operation or "")
    return parameter is not None and deletion.path.get(parameter) in exchange.path.values()


@dataclass(frozen=True, slots=True, eq=False)
class _RefusedDeletion:
    """A refused deletion of a readable object, with the first later read of that object.

    `works` says whether its operation was accepted for another request, and `may_be_lost_before` whether the object may
    have been lost between an earlier read and the deletion, so that the refusal of a deletion with 404 is right.
    """

    exchange: Exchange
    read: Exchange
    works: bool
    may_be_lost_before: bool


def _refused_deletions(history: History) -> Iterator[_RefusedDeletion]:
    for exchange in history:
        parameter = DELETED_PARAMETERS.get(exchange.operation or "")
        if parameter is None or not exchange.refused:
            continue
        id_, read = exchange.path[parameter], (exchange.operation or "").replace("delete_", "get_")
        reads = [
            e
            for e in history
            if e.operation == read and e.path.get(parameter) == id_ and uses_key_of_creator(history, e)
        ]
        earlier = [e for e in reads if e.accepted and e.happened_before(exchange)]
        later = next((e for e in reads if exchange.happened_before(e)), None)
        if (
            earlier
            and later is not None
            and not any(_affects(e, later) and may_have_taken_effect(e) and e.started < later.ended for e in history)
        ):
            may_be_lost = _may_be_lost_between(earlier[-1], exchange, history)
            yield _RefusedDeletion(exchange, later, operation_works(history, exchange), may_be_lost)


def _may_be_lost_between(read: Exchange, deletion: Exchange, history: History) -> bool:
    """Whether an object that was read may be gone before its deletion, which names it correctly, is refused with 404.

    A server may lose it only when something is written in between.
    """
    is_not_found = deletion.status == 404 and deletion.path == read.path and uses_key_of_creator(history, deletion)
    return is_not_found and any(
        other.request.method != "GET" and other is not deletion
        for other in history
        if read.started < other.ended and other.started < deletion.ended
    )


@rule(units=_refused_deletions, level=Level.MUST, source=_OPERATIONS, capability="core")
def refused_deletion_deletes_nothing(deletion: _RefusedDeletion) -> Iterator[Result]:
    """An object whose deletion was refused still exists.

    A client whose deletion failed assumes that nothing was lost. A deletion is refused, for example, if its path names
    another thread than the message's.

    Fix: Validate the whole path before deleting anything.
    """
    refused, read = deletion.exchange, deletion.read
    if read.accepted and refused.status not in _UNSUPPORTED_STATUSES:
        yield pass_if_working(refused, deletion.works)
    elif read.status == 404 and deletion.may_be_lost_before:
        yield Inconclusive("the object may have been lost before its deletion, which got HTTP 404")
    elif read.status == 404:
        yield read.finding(
            f"the object is gone although its deletion was refused with HTTP {refused.status}", "", 200, 404
        )
