"""Tenants: with another tenant's key, what is not its own is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Page, pages
from runs_conformance.evidence.unauthorized_attempt import Intrusion, intrusions
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose
from runs_conformance.model.verdict import HELD, Result, Undecided

_SCOPED = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, data access guidance: objects are scoped to "
    "the organization, or project, that creates them"
)
_AS_MISSING = observed("none", note="the service told unknown ids and hidden ones apart in nothing that is recorded")
_NEEDS = "a second key, of another tenant"


def _trespasses(history: History) -> Iterable[Exchange]:
    """Every request with one tenant's key that names an object of another tenant."""
    tenants = (Key.OWN, Key.SECOND)
    owners = {creation.id: creation.key for creation in creations(history) if creation.key in tenants}
    for exchange in history:
        key = key_of(exchange)
        assistant = at(exchange.request.body, "/assistant_id")
        named = [*exchange.path.values(), *([assistant] if isinstance(assistant, str) else [])]
        foreign = any(owners.get(id_, key) is not key for id_ in named)
        if exchange.operation and key in tenants and foreign:
            yield exchange


@rule(over=_trespasses, level=Level.MUST, source=_SCOPED, capability="tenancy", needs=_NEEDS)
def objects_are_their_tenants_own(exchange: Exchange) -> Iterator[Result]:
    """Another tenant's key opens nothing: not to read, not to modify, not to run, not to delete.

    Look objects up by tenant and id, in every operation.
    """
    status = exchange.status
    if exchange.accepted:
        yield exchange.finding("success upon another tenant's object", actual=status)
    elif status is not None and 400 <= status < 500 and status != 429:
        yield HELD
    else:
        yield Undecided("a request upon another tenant's object was neither served nor turned away")


@rule(over=_trespasses, level=Level.SHOULD, source=_AS_MISSING, capability="tenancy", needs=_NEEDS)
def hidden_objects_look_missing(exchange: Exchange) -> Iterator[Result]:
    """Another tenant's object is answered as one that does not exist: with HTTP status 404.

    403 tells a stranger that the id is right.
    """
    if exchange.status == 403 or exchange.refused:
        found = exchange.finding("another HTTP status than for what does not exist", "", 404, exchange.status)
        yield HELD if exchange.status == 404 else found


def _lists(history: History) -> Iterator[tuple[Page, frozenset[str]]]:
    """Every list of a history with two tenants, with the ids that are not the asking one's."""
    made = creations(history)
    if any(creation.key is Key.SECOND for creation in made) or any(key_of(e) is Key.SECOND for e in history):
        for page in pages(history):
            key = key_of(page.exchange)
            if key in (Key.OWN, Key.SECOND) and page.kind == "assistant":
                yield page, frozenset(creation.id for creation in made if creation.key is not key)


@rule(over=_lists, level=Level.MUST, source=_SCOPED, capability="tenancy", operation="list_assistants", needs=_NEEDS)
def lists_show_the_tenants_own_only(pair: tuple[Page, frozenset[str]]) -> Iterator[Result]:
    """A list of assistants shows those of the tenant that asks, and no other's."""
    page, foreign = pair
    if foreign:
        shown = next((item for item in page.items if item.id in foreign), None)
        yield HELD if shown is None else shown.finding("an assistant of another tenant", "/id", actual=shown.id)


def _by_tenants(history: History) -> Iterator[Intrusion]:
    return (each for each in intrusions(history) if key_of(each.exchange) is Key.SECOND)


@rule(over=_by_tenants, level=Level.MUST, source=_SCOPED, capability="tenancy", needs=_NEEDS)
def refusals_change_nothing(intrusion: Intrusion) -> Iterator[Result]:
    """What another tenant asked for in vain has not happened."""
    if intrusion.trace is not None:
        operation = intrusion.exchange.operation
        yield intrusion.trace.finding(f"{operation} was refused to another tenant, but took effect", actual=operation)
    elif intrusion.looked:
        yield HELD
