"""References: ids that name nothing, cannot be ids, or belong elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.server_failure import fails
from runs_conformance.model.case import Reject
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.tag import FOREIGN_ID, MALFORMED_ID, UNKNOWN_ID
from runs_conformance.model.verdict import HELD, Result, Undecided

_RECORDED = observed("recorded traffic: ruby-openai, every request for an unknown id")
_MALFORMED = observed("recorded and pasted answers: 404 in 2023, 400 with the expected prefix in 2025")
_PATHS = observed("none", note="the paths say it: a run belongs to its thread")


def _refer(history: History) -> Iterable[Exchange]:
    """Every request whose reference certainly leads nowhere, cursors of lists aside."""
    for exchange in history:
        made_up = exchange.step is not None and isinstance(exchange.step.expectation, Reject)
        if exchange.operation and made_up and exchange.tag in (UNKNOWN_ID, MALFORMED_ID):
            yield exchange


def _foreign(history: History) -> Iterable[Exchange]:
    """Every request for an object under a thread or run that is not its own."""
    home = {creation.id: creation.thread for creation in creations(history) if creation.thread}
    for exchange in history:
        path = exchange.path
        named = [home.get(path[name]) for name in ("run_id", "message_id") if name in path]
        strange = any(thread is not None and thread != path.get("thread_id") for thread in named)
        if exchange.operation and (exchange.tag == FOREIGN_ID or (strange and not exchange.tag)):
            yield exchange


def _refused(exchange: Exchange, message: str) -> Iterator[Result]:
    if exchange.accepted:
        yield exchange.finding(message)
    elif exchange.refused:
        yield HELD
    elif fails(exchange):
        yield Undecided(f"HTTP status {exchange.status} is neither acceptance nor refusal")
    else:
        yield Undecided("the request was neither accepted nor refused")


@rule(over=_refer, level=Level.SHOULD, source=_RECORDED, capability="core", items=("L-84",))
def unknown_and_malformed_ids_are_refused(exchange: Exchange) -> Iterator[Result]:
    """An operation upon an id that names nothing is refused, not done: there is nothing to read, list or delete.

    Whatever it answers with success is made up, or somebody else's.
    """
    yield from _refused(exchange, "success upon an id that names nothing")


@rule(over=_refer, level=Level.SHOULD, source=_RECORDED, capability="errors", items=("L-84",))
def unknown_ids_are_not_found(exchange: Exchange) -> Iterator[Result]:
    """An id of the right form that names nothing is answered with HTTP status 404."""
    if exchange.refused and exchange.tag == UNKNOWN_ID:
        found = exchange.finding("another HTTP status for an unknown id", "", 404, exchange.status)
        yield HELD if exchange.status == 404 else found


@rule(over=_refer, level=Level.SHOULD, source=_MALFORMED, capability="errors", items=("L-84",))
def malformed_ids_are_400_or_404(exchange: Exchange) -> Iterator[Result]:
    """An id of the wrong form is answered with HTTP status 400 or 404."""
    if exchange.refused and exchange.tag == MALFORMED_ID:
        found = exchange.finding("another HTTP status for an id of the wrong form", "", [400, 404], exchange.status)
        yield HELD if exchange.status in (400, 404) else found


@rule(over=_foreign, level=Level.SHOULD, source=_PATHS, capability="core", items=("L-90",))
def objects_are_found_under_their_own_parent_only(exchange: Exchange) -> Iterator[Result]:
    """A run or message is not found under another thread, nor a step under another run.

    A server that looks at the last id only lets whoever knows one thread read all others.
    """
    yield from _refused(exchange, "an object was found under a parent that is not its own")
