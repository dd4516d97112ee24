"""Tenants: another tenant's key finds none of a tenant's objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.foreign_request import TENANTS, Access, ForeignRequest, foreign_requests
from runs_conformance.evidence.listed_objects import LACKS_OTHERS, may_show_nothing
from runs_conformance.evidence.page import Page, pages
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import names_organization
from runs_conformance.evidence.server_failure import describe_unclear_status
from runs_conformance.evidence.spontaneous_change import happens_without_request
from runs_conformance.evidence.unauthorized_attempt import REFUSALS_TO_CHECK, UnauthorizedAttempt, unauthorized_attempts
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.rule import SECOND_KEY, rule
from runs_conformance.model.source import Level, convention, observed, prose
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_SCOPED = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, data access guidance: objects are scoped to "
    "the organization, or project, that creates them"
)
_MISMATCH = observed(
    "public reports of the service's 401: OpenAI-Organization header should match organization for API key"
)
_STATE_OPERATIONS = frozenset({"cancel_run", "submit_tool_outputs"})
"""Operations that a target also refuses because the run has changed its status."""

_AS_MISSING = convention("no record shows a difference between unknown and hidden ids")


def _requests_across_tenants(history: History) -> Iterable[ForeignRequest]:
    """Every request with one tenant's key that names an object of another.

    Requests that name the organization of the other tenant, too, are of `_requests_in_foreign_organizations`.
    """
    return (request for request in foreign_requests(history) if not names_organization(request.exchange))


def _requests_in_foreign_organizations(history: History) -> Iterable[ForeignRequest]:
    return (request for request in foreign_requests(history) if names_organization(request.exchange))


def _check_accepted(request: ForeignRequest, message: str, expected: JSON | Absent = ABSENT) -> Result:
    """Check an accepted request for another tenant's object."""
    if request.access is Access.NOTHING:
        return Inconclusive("the request succeeded, but shows and deletes nothing of another tenant")
    if request.access is Access.OTHER_OBJECT:
        return Suspicion("the request succeeded, but the response shows another object than the requested one")
    return request.exchange.finding(message, "", expected, request.exchange.status)


@rule(
    units=_requests_across_tenants,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    needs=SECOND_KEY,
    occasions=5,
)
def objects_are_their_tenants_own(request: ForeignRequest) -> Iterator[Result]:
    """One tenant's key gives no access to another tenant's objects: not to read, modify, run or delete them.

    Any access across tenants discloses or destroys another customer's data.

    Fix: Look objects up by tenant and id in every operation.
    """
    exchange, works = request.exchange, request.works
    status = exchange.status
    if exchange.accepted:
        yield _check_accepted(request, "the request succeeded on another tenant's object")
    elif exchange.operation in _STATE_OPERATIONS and status not in (None, *UNAUTHORIZED_STATUSES, 404):
        yield Suspicion(f"HTTP {status} to {exchange.operation} may be due to the status of the run")
    elif status is not None and 400 <= status < 500 and status != 429:
        yield pass_if_working(exchange, works or status in UNAUTHORIZED_STATUSES)
    else:
        got = f"a request on another tenant's object got {describe_unclear_status(exchange)}"
        yield Suspicion(f"{got}, which is neither acceptance nor refusal")


@rule(
    units=_requests_in_foreign_organizations,
    level=Level.SHOULD,
    source=_MISMATCH,
    capability="tenancy",
    needs=SECOND_KEY,
)
def header_opens_no_other_organization(request: ForeignRequest) -> Iterator[Result]:
    """A key gives no access to the objects of another organization if the request names it in `OpenAI-Organization`.

    Anyone who knows an organization's id could read its data. Judged only if the responses to each key name its
    organization in this header, and the two differ. A second key that belongs to a member of both organizations may
    have this access.

    Fix: Refuse a header that names an organization to which the key does not belong, with HTTP 401.
    """
    exchange, works = request.exchange, request.works
    status = exchange.status
    if exchange.accepted:
        yield _check_accepted(request, "the header gave access to an object of another organization", 401)
    elif status is not None and 400 <= status < 500 and status != 429:
        yield pass_if_working(exchange, works or status in UNAUTHORIZED_STATUSES)
    else:
        got = f"a request that names another organization got {describe_unclear_status(exchange)}"
        yield neither_accepted_nor_refused(exchange, f"{got}, which is neither acceptance nor refusal")


@rule(units=_requests_across_tenants, level=Level.SHOULD, source=_AS_MISSING, capability="tenancy", needs=SECOND_KEY)
def hidden_objects_look_missing(request: ForeignRequest) -> Iterator[Result]:
    """A request for another tenant's object gets HTTP 404, like one for an object that does not exist.

    HTTP 403 reveals to a stranger that the id is valid. An empty list, or a deletion of nothing, hides from a client
    that it uses a wrong id or key.

    Fix: Return the same response as for an unknown id.
    """
    exchange = request.exchange
    finds_nothing = exchange.accepted and request.access is Access.NOTHING
    if exchange.status == 403 or (exchange.refused and request.works) or finds_nothing:
        finding = exchange.finding("the HTTP status differs from that of an unknown object", "", 404, exchange.status)
        yield PASSED if exchange.status == 404 else finding


@dataclass(frozen=True)
class _AssistantList:
    """One page of assistants, with the ids that are certainly another tenant's.

    `hides_some` says that one of these certainly existed. `shows_own` says that the page shows all known assistants of
    its own tenant, and lists of assistants show some at all: one that does not may end early.
    """

    page: Page
    foreign: frozenset[str]
    hides_some: bool
    shows_own: bool


def _assistant_lists(history: History) -> Iterator[_AssistantList]:
    """Every list of assistants in a history with two tenants."""
    created = [creation for creation in creations(history) if creation.kind == "assistant"]
    if not any(key_of(exchange) is Key.SECOND for exchange in history):
        return
    deletions = [each for each in history.select("delete_assistant") if may_have_taken_effect(each)]
    lists = [page for page in pages(history) if page.kind == "assistant" and key_of(page.exchange) in TENANTS]
    for page in lists:
        key, read = key_of(page.exchange), page.exchange
        own = {creation.id for creation in created if creation.key is key}
        others = {creation.id for creation in created if creation.key is not key} - own
        seen = {id_ for other in lists if key_of(other.exchange) is key for id_ in other.ids}
        # An assistant that both tenants see and neither created may be offered to all.
        listed = {id_ for other in lists if key_of(other.exchange) is not key for id_ in other.ids} - seen - own
        deleted = {each.path.get("assistant_id") for each in deletions if each.started < read.ended}
        earlier = {creation.id for creation in created if creation.exchange.happened_before(read)} - deleted
        shows_own = own & earlier <= {*page.ids} and not may_show_nothing(history, page)
        yield _AssistantList(page, frozenset(others | listed), bool(others & earlier), shows_own)


@rule(
    units=_assistant_lists,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    operation="list_assistants",
    needs=SECOND_KEY,
)
def lists_show_the_tenants_own_only(listed: _AssistantList) -> Iterator[Result]:
    """A list of assistants contains only those of the tenant that requests it, and no other id as `first_id` or
    `last_id`.

    The list would disclose other customers' assistants with their instructions, or their ids.

    Fix: Filter `list_assistants` by the tenant of the key.
    """
    page = listed.page
    shown = next((item for item in page.items if item.id in listed.foreign), None)
    cursors = ((name, page.exchange.member(name)) for name in ("first_id", "last_id"))
    cursor = next(((name, id_) for name, id_ in cursors if isinstance(id_, str) and id_ in listed.foreign), None)
    if shown is not None:
        yield shown.finding("the list shows an assistant of another tenant", "/id", actual=shown.id)
    elif cursor is not None:
        name, id_ = cursor
        yield page.exchange.finding(f"{name} is the id of another tenant's assistant", f"/{name}", actual=id_)
    elif listed.hides_some and listed.shows_own:
        yield PASSED
    elif listed.hides_some:
        yield Inconclusive(LACKS_OTHERS)


def _attempts_of_second_tenant(history: History) -> Iterator[tuple[UnauthorizedAttempt, bool]]:
    """Each attempt, and whether the target does without a request what it asked for."""
    for attempt in unauthorized_attempts(history):
        if key_of(attempt.exchange) is Key.SECOND:
            yield attempt, happens_without_request(history, attempt.exchange)


@rule(
    units=_attempts_of_second_tenant,
    level=Level.MUST,
    source=_SCOPED,
    capability="tenancy",
    needs=SECOND_KEY,
    occasions=3,
    needs_parts=REFUSALS_TO_CHECK,
)
def refusals_change_nothing(unit: tuple[UnauthorizedAttempt, bool]) -> Iterator[Result]:
    """A request that was refused to another tenant has no effect.

    A refused deletion or modification that still happens destroys another customer's data unnoticed.

    Fix: Check the tenant before the first write.
    """
    attempt, happens_anyway = unit
    operation = attempt.exchange.operation
    if attempt.effect is not None and happens_anyway:
        yield Suspicion(f"{operation} was refused and took effect, but the same happens to objects without a request")
    elif attempt.effect is not None:
        yield attempt.effect.finding(f"{operation} was refused to another tenant, but took effect", actual=operation)
    elif attempt.was_checked:
        yield Passed(attempt.part)
