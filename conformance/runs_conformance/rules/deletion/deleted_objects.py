"""Deleted objects: requests that name them are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import SHARED_ID, names_wrong_thread, shared_ids, uses_key_of_creator
from runs_conformance.evidence.observation import observations_in
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Inconclusive, Result, Suspicion
from runs_conformance.rules.deletion.deletion_requests import DELETED_PARAMETERS, accepted_deletions

_OPERATIONS = schema("openai-openapi f85dbe2 openapi.yaml deleteMessage, deleteThread, deleteAssistant")


@dataclass(frozen=True, eq=False)
class _RequestAfterDeletion:
    """A request that names an object deleted before. `parameter` is the path parameter or body member that names it.

    `works` says whether its operation was accepted for another request, and `has_shared_id` whether another object of
    the kind has the id of the deleted one.
    """

    deletion: Exchange
    exchange: Exchange
    parameter: str
    works: bool
    has_shared_id: bool

    @property
    def is_for_deleted_object(self) -> bool:
        """Whether the request is for the deleted object itself, rather than for an object in it."""
        return self.exchange.path.keys() == self.deletion.path.keys()


def _requests_after_deletion(history: History) -> Iterator[_RequestAfterDeletion]:
    """Every request that names a deleted object.

    A deletion with another key than that of the object's creator, or through another thread than the object's, must not
    delete anything: if it does, or claims to, rules on keys and references report it.
    """
    for deletion in accepted_deletions(history):
        if deletion.member("deleted") is False:
            continue  # The response says that nothing was deleted, which another rule reports.
        if not uses_key_of_creator(history, deletion) or _has_wrong_path(history, deletion):
            continue
        parameter = DELETED_PARAMETERS[deletion.operation or ""]
        pointer, deleted = f"/{parameter}", deletion.path.get(parameter, "")
        is_shared = (parameter.removesuffix("_id"), deleted) in shared_ids(history)
        for exchange in history:
            id_ = exchange.path.get(parameter) or at(exchange.request.body, pointer)
            if id_ == deleted and deletion.happened_before(exchange) and uses_default_auth(exchange):
                works = operation_works(history, exchange)
                yield _RequestAfterDeletion(deletion, exchange, parameter, works, is_shared)


def _has_wrong_path(history: History, deletion: Exchange) -> bool:
    """Whether the path of a deletion names no object, or an object under a thread that is not its parent."""
    return deletion.dangling is not None or names_wrong_thread(history, deletion)


def _why_nothing_was_shown(exchange: Exchange) -> str | None:
    """Why an accepted request does not prove that its object exists; None if it does.

    A server that looks objects up wrongly shows another object, and one that filters lists shows an empty one, although
    the deletion worked. A creation proves by its acceptance that the deleted object was used.
    """
    operation = OPERATIONS[exchange.operation or ""]
    if operation.creates:
        return None
    if operation.listed_kind:
        is_shown = any(not item.is_misplaced for item in observations_in(exchange))
        return None if is_shown else "the list shows nothing of the deleted object"
    if operation.name in DELETED_PARAMETERS and exchange.member("deleted") is False:
        return "the response says that nothing was deleted"
    id_ = exchange.member("id")
    if isinstance(id_, str) and id_ != exchange.path.get(operation.parameters[-1]):
        return "the response is about another object"
    is_nothing = operation.name not in DELETED_PARAMETERS and not is_object(exchange.body)
    return "the response shows no object" if is_nothing else None


def _check_refused(request: _RequestAfterDeletion, message: str) -> Iterator[Result]:
    if request.has_shared_id:
        yield Inconclusive(SHARED_ID)
    elif request.exchange.accepted and (reason := _why_nothing_was_shown(request.exchange)) is not None:
        yield Inconclusive(reason)
    elif request.exchange.accepted:
        yield request.exchange.finding(message, "", 404, request.exchange.status)
    elif request.exchange.refused:
        yield pass_if_working(request.exchange, request.works)
    elif is_server_error(request.exchange):
        got = f"{request.exchange.operation} got HTTP {request.exchange.status}"
        yield Suspicion(f"{got}, which is neither acceptance nor refusal")


_ACTIONS = {"cancel_run": "cancelled", "delete_message": "deleted", "submit_tool_outputs": "resumed"}
"""The effect of an accepted request on an object, if it does not show or change it."""

_SINGLE_OBJECT_OPERATIONS = (
    "get_assistant",
    "modify_assistant",
    "get_thread",
    "modify_thread",
    "get_message",
    "modify_message",
)


@rule(
    units=_requests_after_deletion,
    level=Level.MUST,
    source=_OPERATIONS,
    capability="core",
    clauses=("deleted-object-is-gone",),
)
def what_is_deleted_cannot_be_read(request: _RequestAfterDeletion) -> Iterator[Result]:
    """A deleted assistant, thread or message can be neither read nor modified.

    Users delete data that must not be kept; a deletion that only hides the object from lists keeps it.

    Fix: Remove the object, or exclude deleted objects from every lookup.
    """
    if (
        request.is_for_deleted_object
        and request.exchange.operation not in DELETED_PARAMETERS
        and request.exchange.operation in _SINGLE_OBJECT_OPERATIONS
    ):
        yield from _check_refused(request, "a request for a deleted object succeeded")


@rule(
    units=_requests_after_deletion,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="errors",
    clauses=("unknown-object-is-404", "deleted-object-is-gone"),
)
def what_is_deleted_is_answered_404(request: _RequestAfterDeletion) -> Iterator[Result]:
    """A request for a deleted object gets HTTP 404, like one for an unknown object.

    Clients distinguish a missing object from an invalid request by this status.

    Fix: Return HTTP 404 if the lookup finds nothing.
    """
    if (
        request.is_for_deleted_object
        and request.exchange.operation in _SINGLE_OBJECT_OPERATIONS
        and request.exchange.refused
    ):
        status = request.exchange.status
        message = f"a request for a deleted object got HTTP {status}"
        if request.has_shared_id:
            yield Inconclusive(SHARED_ID)
        elif request.works and status != 404:
            yield request.exchange.finding(message, "", 404, status)
        else:
            yield pass_if_working(request.exchange, request.works)


@rule(
    units=_requests_after_deletion,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="core",
    clauses=("deleted-object-is-gone",),
)
def nothing_is_deleted_twice(request: _RequestAfterDeletion) -> Iterator[Result]:
    """A deleted object cannot be deleted again.

    A second success hides that another client deleted the object first.

    Fix: Return HTTP 404 for the deletion of a missing object.
    """
    if request.is_for_deleted_object and request.exchange.operation == request.deletion.operation:
        yield from _check_refused(request, "the object was deleted a second time")


@rule(
    units=_requests_after_deletion,
    level=Level.MUST,
    source=_OPERATIONS,
    capability="core",
    operation="delete_thread",
    clauses=("deleted-object-is-gone",),
)
def deleted_thread_takes_nothing(request: _RequestAfterDeletion) -> Iterator[Result]:
    """A deleted thread accepts no messages and no runs.

    Objects that are added to it can never be read.

    Fix: Look up the thread in the transaction that writes.
    """
    if request.parameter == "thread_id" and request.exchange.operation in ("create_message", "create_run"):
        yield from _check_refused(request, "a deleted thread accepted a message or run")


@rule(
    units=_requests_after_deletion,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="core",
    operation="delete_thread",
    clauses=("deleted-object-is-gone",),
)
def deleted_thread_shows_nothing(request: _RequestAfterDeletion) -> Iterator[Result]:
    """The messages, runs and steps of a deleted thread can be neither read nor changed.

    Deleted data must not remain readable through other paths, and whoever changes it must learn that it is gone.

    Fix: Delete the contents of a thread together with it, or look up the thread before each object in it.
    """
    exchange = request.exchange
    if request.parameter != "thread_id" or OPERATIONS[exchange.operation or ""].creates:
        return
    if exchange.operation in ("list_messages", "list_runs"):
        yield from _check_refused(request, "the objects of a deleted thread were listed")
    elif not request.is_for_deleted_object:
        action = "shown" if exchange.request.method == "GET" else _ACTIONS.get(exchange.operation or "", "changed")
        yield from _check_refused(request, f"an object of a deleted thread was {action}")


@rule(
    units=_requests_after_deletion,
    level=Level.SHOULD,
    source=_OPERATIONS,
    capability="core",
    operation="delete_assistant",
    clauses=("unknown-object-is-404", "deleted-object-is-gone"),
)
def deleted_assistant_runs_nothing(request: _RequestAfterDeletion) -> Iterator[Result]:
    """A run cannot be created with a deleted assistant.

    Its owner withdrew it, possibly for security reasons.

    Fix: Look up the assistant when a run is created.
    """
    if request.parameter == "assistant_id" and request.exchange.operation in ("create_run", "create_thread_and_run"):
        yield from _check_refused(request, "a run was created with a deleted assistant")
