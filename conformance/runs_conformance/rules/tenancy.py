"""Tenants: another tenant's key finds none of a tenant's objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Page, pages
from runs_conformance.evidence.unauthorized_attempt import UnauthorizedAttempt, unauthorized_attempts
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at
from runs_conformance.model.rule import SECOND_KEY, rule
from runs_conformance.model.source import Level, convention, prose
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_SCOPED = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, data access guidance: objects are scoped to "
    "the organization, or project, that creates them"
)
_STATE_OPERATIONS = frozenset({"cancel_run", "submit_tool_outputs"})
"""Operations that a target also refuses because the run has changed its status."""

_AS_MISSING = convention("no record shows a difference between unknown and hidden ids")


def _requests_across_tenants(history: History) -> Iterable[tuple[Exchange, bool]]:
    """Every request with one tenant's key that names an object of another, and whether its operation works."""
    tenants = (Key.PRIMARY, Key.SECOND)
    owners = {creation.id: creation.key for creation in creations(history) if creation.key in tenants}
    for exchange in history:
        key = key_of(exchange)
        assistant = at(exchange.request.body, "/assistant_id")
        ids = [*exchange.path.values(), *([assistant] if isinstance(assistant, str) else [])]
        is_foreign = any(owners.get(id_, key) is not key for id_ in ids)
        if exchange.operation and key in tenants and is_foreign:
            yield exchange, operation_works(history, exchange)


@rule(
    units=_requests_across_tenants,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    needs=SECOND_KEY,
    occasions=5,
)
def objects_are_their_tenants_own(request: tuple[Exchange, bool]) -> Iterator[Result]:
    """One tenant's key gives no access to another tenant's objects: not to read, modify, run or delete them.

    Any access across tenants discloses or destroys another customer's data.

    Fix: Look objects up by tenant and id in every operation.
    """
    exchange, works = request
    status = exchange.status
    if exchange.accepted:
        yield exchange.finding("the request succeeded on another tenant's object", actual=status)
    elif exchange.operation in _STATE_OPERATIONS and status not in (401, 403, 404):
        yield Suspicion(f"HTTP {status} to {exchange.operation} may be due to the status of the run")
    elif status is not None and 400 <= status < 500 and status != 429:
        yield pass_if_working(exchange, works or status in (401, 403))
    else:
        yield Inconclusive("a request on another tenant's object was neither served nor refused")


@rule(units=_requests_across_tenants, level=Level.SHOULD, source=_AS_MISSING, capability="tenancy", needs=SECOND_KEY)
def hidden_objects_look_missing(request: tuple[Exchange, bool]) -> Iterator[Result]:
    """A request for another tenant's object gets HTTP 404, like one for an object that does not exist.

    HTTP 403 reveals to a stranger that the id is valid.

    Fix: Return the same response as for an unknown id.
    """
    exchange, works = request
    if exchange.status == 403 or (exchange.refused and works):
        finding = exchange.finding("the HTTP status differs from that of an unknown object", "", 404, exchange.status)
        yield PASSED if exchange.status == 404 else finding


def _assistant_lists(history: History) -> Iterator[tuple[Page, frozenset[str], bool]]:
    """Every list of assistants in a history with two tenants, with the ids that belong to the other one.

    The third item says whether the page shows all assistants of its own tenant: one that does not may end early.
    """
    created = [creation for creation in creations(history) if creation.kind == "assistant"]
    if any(creation.key is Key.SECOND for creation in created) or any(key_of(e) is Key.SECOND for e in history):
        deleted = {exchange.path.get("assistant_id") for exchange in history.select("delete_assistant")}
        for page in pages(history):
            key = key_of(page.exchange)
            if key in (Key.PRIMARY, Key.SECOND) and page.kind == "assistant":
                earlier = [creation for creation in created if creation.exchange.happened_before(page.exchange)]
                own = {creation.id for creation in earlier if creation.key is key} - deleted
                foreign = frozenset(creation.id for creation in earlier if creation.key is not key)
                yield page, foreign, own <= {*page.ids}


@rule(
    units=_assistant_lists,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    operation="list_assistants",
    needs=SECOND_KEY,
)
def lists_show_the_tenants_own_only(listed: tuple[Page, frozenset[str], bool]) -> Iterator[Result]:
    """A list of assistants contains only those of the tenant that requests it.

    The list would disclose other customers' assistants with their instructions.

    Fix: Filter `list_assistants` by the tenant of the key.
    """
    page, foreign, shows_own = listed
    if not foreign:
        return
    shown = next((item for item in page.items if item.id in foreign), None)
    if shown is not None:
        yield shown.finding("the list shows an assistant of another tenant", "/id", actual=shown.id)
    elif shows_own:
        yield PASSED
    else:
        yield Inconclusive("the list lacks assistants of its own tenant, and may lack others for the same reason")


def _attempts_of_second_tenant(history: History) -> Iterator[UnauthorizedAttempt]:
    return (each for each in unauthorized_attempts(history) if key_of(each.exchange) is Key.SECOND)


@rule(
    units=_attempts_of_second_tenant,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    needs=SECOND_KEY,
    occasions=3,
)
def refusals_change_nothing(attempt: UnauthorizedAttempt) -> Iterator[Result]:
    """A request that was refused to another tenant has no effect.

    A refused deletion or modification that still happens destroys another customer's data unnoticed.

    Fix: Check the tenant before the first write.
    """
    if attempt.effect is not None:
        operation = attempt.exchange.operation
        yield attempt.effect.finding(f"{operation} was refused to another tenant, but took effect", actual=operation)
    elif attempt.was_checked:
        yield PASSED
