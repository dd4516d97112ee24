"""References: ids that are unknown, malformed, or under the wrong parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.creation import names_wrong_thread
from runs_conformance.evidence.server_failure import describe_unusable
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused, operation_works, pass_if_working
from runs_conformance.model.case import DanglingReference, Refuse
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, convention, observed
from runs_conformance.model.verdict import Inconclusive, Result

_RECORDED = observed("recorded traffic: ruby-openai, every request for an unknown id")
_MALFORMED = observed("recorded and pasted responses: 404 in 2023, 400 with the expected prefix in 2025")
_PATHS = convention("implied by the paths: a run belongs to its thread")

_NONEXISTENT = (DanglingReference.UNKNOWN, DanglingReference.MALFORMED)


def _is_plain(exchange: Exchange) -> bool:
    return exchange.dangling is None and not exchange.anomaly


def _dangling_references(history: History) -> Iterable[tuple[Exchange, bool]]:
    """Every request with a reference that certainly names no object, and whether its operation works otherwise.

    List cursors are left out.
    """
    for exchange in history:
        must_be_refused = exchange.step is not None and isinstance(exchange.step.expectation, Refuse)
        if exchange.operation and must_be_refused and exchange.dangling in _NONEXISTENT:
            yield exchange, operation_works(history, exchange)


@dataclass(frozen=True, eq=False)
class _ForeignReference:
    """A request for an object under a thread or run that is not its parent.

    `works` says whether its operation was accepted for another request, and `has_id_of_parent` whether the thread or
    run has the id of the parent, so that the path is right. `may_find_nothing` says whether it may be accepted like a
    request for an id that names no object.
    """

    exchange: Exchange
    works: bool
    has_id_of_parent: bool
    may_find_nothing: bool


def _references_under_wrong_parent(history: History) -> Iterable[_ForeignReference]:
    """Every request for an object under a thread or run that is not its parent."""
    right_paths = [exchange.path for exchange in history if exchange.accepted and _is_plain(exchange)]
    for exchange in history:
        if not exchange.operation:
            continue
        if exchange.dangling is DanglingReference.FOREIGN:
            has_id_of_parent = exchange.path in right_paths
        elif names_wrong_thread(history, exchange) and _is_plain(exchange):
            has_id_of_parent = False
        else:
            continue
        works, may_find_nothing = operation_works(history, exchange), _may_find_nothing(history, exchange)
        yield _ForeignReference(exchange, works, has_id_of_parent, may_find_nothing)


def _may_find_nothing(history: History, exchange: Exchange) -> bool:
    """Whether a deletion was accepted that the server would accept for any id, and the object is still shown later.

    The response to a deletion shows no object, so only the loss of the object tells that it was found.
    """
    operation = exchange.operation or ""
    accepts_any_id = any(
        each.operation == operation and each.accepted and each.dangling in _NONEXISTENT for each in history
    )
    return (
        operation.startswith("delete_")
        and accepts_any_id
        and any(
            each.operation == f"get_{operation.removeprefix('delete_')}"
            and each.accepted
            and exchange.happened_before(each)
            and each.member("id") == list(exchange.path.values())[-1]
            for each in history
        )
    )


def _check_refused(request: tuple[Exchange, bool], message: str) -> Iterator[Result]:
    exchange, works = request
    if exchange.accepted:
        yield exchange.finding(message)
    elif exchange.refused:
        yield pass_if_working(exchange, works)
    else:
        reason = f"{describe_unusable(exchange)}, which is neither acceptance nor refusal"
        yield neither_accepted_nor_refused(exchange, reason)


@rule(
    units=_dangling_references,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("unknown-object-is-404",),
)
def unknown_and_malformed_ids_are_refused(request: tuple[Exchange, bool]) -> Iterator[Result]:
    """An operation on an id that names no object is refused.

    There is nothing to read, list or delete, so a successful response is made up or shows another client's object.

    Fix: Refuse the request if the lookup finds nothing.
    """
    yield from _check_refused(request, "the request succeeded with an id that names no object")


@rule(
    units=_dangling_references,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="errors",
    clauses=("unknown-object-is-404",),
)
def unknown_ids_are_not_found(request: tuple[Exchange, bool]) -> Iterator[Result]:
    """A well-formed id that names no object results in HTTP 404.

    Clients recognize by this status that an object does not exist.

    Fix: Return HTTP 404 if the lookup finds nothing.
    """
    exchange, works = request
    if exchange.refused and exchange.dangling is DanglingReference.UNKNOWN:
        finding = exchange.finding("the HTTP status for an unknown id is not 404", "", 404, exchange.status)
        yield finding if works and exchange.status != 404 else pass_if_working(exchange, works)


@rule(
    units=_dangling_references,
    level=Level.SHOULD,
    source=_MALFORMED,
    capability="errors",
    clauses=("unknown-object-is-404",),
)
def malformed_ids_are_400_or_404(request: tuple[Exchange, bool]) -> Iterator[Result]:
    """A malformed id results in HTTP 400 or 404.

    The real service responded with these, and client libraries raise another error for any other status.

    Fix: Return HTTP 400, or treat a malformed id as an unknown one.
    """
    exchange, works = request
    if exchange.refused and exchange.dangling is DanglingReference.MALFORMED:
        finding = exchange.finding(
            "the HTTP status for a malformed id is neither 400 nor 404", "", [400, 404], exchange.status
        )
        yield finding if works and exchange.status not in (400, 404) else pass_if_working(exchange, works)


@rule(
    units=_references_under_wrong_parent,
    level=Level.SHOULD,
    source=_PATHS,
    capability="core",
    clauses=("run-only-under-own-thread",),
)
def objects_are_found_under_their_own_parent_only(request: _ForeignReference) -> Iterator[Result]:
    """A run or message is not found under another thread, nor a step under another run.

    A server that checks only the last id lets whoever knows one thread read all others.

    Fix: Look objects up by all ids in the path.
    """
    if request.has_id_of_parent:
        yield Inconclusive("the wrong parent has the same id as the right one")
    elif request.exchange.accepted and request.may_find_nothing:
        yield Inconclusive(f"{request.exchange.operation} also succeeds if it finds nothing, and deleted nothing here")
    else:
        yield from _check_refused((request.exchange, request.works), "the object was found under the wrong parent")
