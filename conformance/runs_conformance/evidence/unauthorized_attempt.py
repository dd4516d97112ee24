"""Requests that were refused because of their key, and whether they took effect nevertheless."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import complete_lists, run_creations, thread_creation
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.listed_objects import may_show_nothing, shows_contents
from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.evidence.observation import Observation, all_observations, observations
from runs_conformance.evidence.page import Page, pages
from runs_conformance.evidence.refused_key import keys_that_alone_are_refused
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.evidence.run_timeline import find_run
from runs_conformance.evidence.sent_messages import messages_sent_to
from runs_conformance.evidence.spontaneous_change import is_deletion_of_path
from runs_conformance.evidence.stale_item import is_list_item
from runs_conformance.evidence.unknown_run import unknown_runs
from runs_conformance.evidence.working_operation import operation_works
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, contains, is_array, is_object


@dataclass(frozen=True, eq=False)
class UnauthorizedAttempt:
    """One modifying request that was refused because of its key.

    `effect` is the exchange in which the owner saw that the request took effect. `was_checked` says whether an exchange
    of the owner would have shown an effect.
    """

    exchange: Exchange
    effect: Exchange | None
    was_checked: bool

    @property
    def part(self) -> str:
        """The part of the evidence that it provides if it took no effect."""
        return f"a refusal of {self.exchange.operation}"


_CLOCK_TOLERANCE = 5.0
"""Seconds by which the clocks of the client and the target may differ."""


def keys_are_checked(history: History, *keys: Key) -> bool:
    """Whether a request with one of these keys was refused with 401 or 403 by an operation that does not refuse the
    valid key, or with another 4xx although only its key was invalid.
    """
    return not keys_that_alone_are_refused(history).isdisjoint(keys) or any(
        each.status in UNAUTHORIZED_STATUSES and each.operation not in _refusing_operations(history)
        for each in history
        if each.operation and key_of(each) in keys
    )


def is_refused_for_its_key(history: History, exchange: Exchange) -> bool:
    """Whether a request without a valid key was certainly refused for that reason.

    Any 4xx counts if the target checks keys at all and the operation was accepted in another request. Otherwise the
    target may have looked at something else first, or may not have the operation.
    """
    status, key = exchange.status, key_of(exchange)
    if status is None or not 400 <= status < 500 or status in (405, 429):
        return False
    if exchange.operation in _refusing_operations(history) or exchange.id in misread_requests(history):
        return False
    return status in UNAUTHORIZED_STATUSES or (keys_are_checked(history, key) and operation_works(history, exchange))


@lru_cache(maxsize=16)
def _refusing_operations(history: History) -> frozenset[str | None]:
    """The operations that refused the valid key, too."""
    return frozenset(
        each.operation for each in history if uses_default_auth(each) and each.status in UNAUTHORIZED_STATUSES
    )


@lru_cache(maxsize=16)
def unauthorized_attempts(history: History) -> tuple[UnauthorizedAttempt, ...]:
    """Every refused modifying request with another key than the owner's, or with none."""
    return tuple(_unauthorized_attempts(history))


def _unauthorized_attempts(history: History) -> Iterator[UnauthorizedAttempt]:
    effective = [other for other in history if may_have_taken_effect(other)]
    for exchange in history:
        is_refused = (
            is_refused_for_its_key(history, exchange)
            if key_of(exchange) in (Key.NONE, Key.WRONG)
            else exchange.status is not None and 400 <= exchange.status < 500
        )
        if key_of(exchange) is Key.PRIMARY or exchange.request.method == "GET" or not is_refused:
            continue
        check = _EFFECT_CHECKS.get(exchange.operation or "")
        if check is None or (check is not _check_run and any(_are_identical(other, exchange) for other in effective)):
            continue
        checks = list(check(history, exchange))
        yield UnauthorizedAttempt(
            exchange, next((read for read, shows_effect in checks if shows_effect), None), bool(checks)
        )


def _are_identical(one: Exchange, other: Exchange) -> bool:
    """Whether two requests are identical, so that an effect of one could be that of the other."""
    return (one.operation, one.request.path, one.request.body) == (
        other.operation,
        other.request.path,
        other.request.body,
    )


_STATUS_OPERATIONS = ("cancel_run", "submit_tool_outputs")

EffectChecks = Iterator[tuple[Exchange, bool]]
"""Later reads by the owner, each with whether it shows the effect of the request."""


def _check_deletion(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the object, which was shown before, still exists, unless it was lost or deleted otherwise."""
    kind = (exchange.operation or "").removeprefix("delete_")
    id_ = exchange.path.get(f"{kind}_id", "")
    deletions = [e for e in history if e.request.method == "DELETE" and e is not exchange and may_have_taken_effect(e)]
    shown = [each.exchange for each in all_observations(history) if id_ in (each.id, each.text("thread_id"))]
    existed = any(each.happened_before(exchange) for each in shown)
    was_lost = any(
        read.operation == f"get_{kind}" and read.path == exchange.path and _shows_loss(read, exchange)
        for read in history
    ) or any(
        page.kind == kind == "message"
        and page.exchange.path.get("thread_id") == exchange.path.get("thread_id")
        and "run_id" not in page.query
        and id_ not in page.ids
        and page.exchange.happened_before(exchange)
        and any(each.happened_before(page.exchange) for each in shown)
        for page in complete_lists(history)
    )
    for read in history if existed and not was_lost else ():
        if any(is_deletion_of_path(e, exchange) and e.started < read.ended for e in deletions):
            continue
        is_read_by_owner = (
            read.operation == f"get_{kind}" and read.path == exchange.path and key_of(read) is Key.PRIMARY
        )
        if is_read_by_owner and exchange.happened_before(read) and (read.accepted or read.status == 404):
            yield read, read.status == 404


def _shows_loss(read: Exchange, exchange: Exchange) -> bool:
    """Whether a read before a refused request found nothing; another tenant may get 404 for what exists."""
    return read.status == 404 and key_of(read) is not Key.SECOND and not exchange.happened_before(read)


def _check_modification(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the object has the metadata of the refused request."""
    kind = (exchange.operation or "").removeprefix("modify_")
    body = exchange.request.body
    sent = body.get("metadata") if is_object(body) else None
    if is_object(sent) and any(
        other is not exchange
        and other.operation == exchange.operation
        and other.path == exchange.path
        and may_have_taken_effect(other)
        and contains(at(other.request.body, "/metadata"), sent)
        for other in history
    ):
        return
    for observation in _observed_after(history, exchange, kind, exchange.path.get(f"{kind}_id", "")):
        stored = observation.get("metadata")
        if is_object(sent) and is_object(stored):
            yield observation.exchange, bool(sent) and sent.items() <= stored.items()


def _observed_after(history: History, exchange: Exchange, kind: str, id_: str) -> Iterator[Observation]:
    for observation in all_observations(history):
        own = key_of(observation.exchange) is Key.PRIMARY
        if (
            own
            and observation.kind == kind
            and observation.id == id_
            and exchange.happened_before(observation.exchange)
        ):
            yield observation


def _check_message(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the thread has a message with the text of the refused request."""
    body = exchange.request.body
    sent = body.get("content") if is_object(body) else None
    for page in pages(history):
        read = page.exchange
        if page.kind == "message" and read.path == exchange.path and _by_owner(read, exchange) and sent:
            is_shown = any(sent in _texts(item.get("content")) for item in page.items if not item.is_misplaced)
            if is_shown or _shows_messages(history, page):
                yield read, is_shown


def _shows_messages(history: History, page: Page) -> bool:
    """Whether a page of messages would show a message that was added: it shows others, or the thread has none."""
    if page.items:
        return shows_contents(page)
    return not may_show_nothing(history, page) and not messages_sent_to(
        history, page.exchange.path.get("thread_id", ""), page.exchange
    )


def _check_run(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the thread has a run of the requested assistant without a known creation.

    One of another assistant has another reason: a server may put the runs of other clients into the thread.
    """
    thread = exchange.path.get("thread_id", "")
    created = [creation for creation in creations(history) if creation.kind == "run"]
    known, known_requests = {creation.id for creation in created}, {creation.exchange.id for creation in created}
    if any(request.id not in known_requests for request in run_creations(history, thread)):
        return  # Another request may have created a run without showing its id.
    for page in pages(history):
        read = page.exchange
        if (
            page.kind == "run"
            and read.path == exchange.path
            and _by_owner(read, exchange)
            and thread_creation(history, thread)
        ):
            unknown = unknown_runs(history, page, known)
            if unknown.ids:
                is_conclusive = not unknown.may_be_known and _may_be_requested(exchange, page, unknown.ids)
            else:
                lacks_all = not any(page.ids) and (bool(unknown.missing) or may_show_nothing(history, page))
                is_conclusive = not unknown.lacks_ids and not lacks_all
            if is_conclusive:
                yield read, bool(unknown.ids)


def _may_be_requested(exchange: Exchange, page: Page, run_ids: Collection[str]) -> bool:
    """Whether one of these runs may be the one that a request was to create: it shows no other assistant."""
    body = exchange.request.body
    requested = body.get("assistant_id") if is_object(body) else None
    shown = (item.get("assistant_id") for item in page.items if item.id in run_ids)
    return not isinstance(requested, str) or any(id_ == requested or not isinstance(id_, str) for id_ in shown)


def _check_cancellation(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the waiting run was cancelled."""
    yield from _check_status_changes(history, exchange, "cancel_run", ("cancelling", "cancelled"))


def _check_submission(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the waiting run continued."""
    yield from _check_status_changes(history, exchange, "submit_tool_outputs", ("queued", "in_progress", "completed"))


def _check_status_changes(
    history: History, exchange: Exchange, operation: str, statuses: tuple[str, ...]
) -> EffectChecks:
    """Check whether a waiting run changed to one of these statuses before any other request may have changed it."""
    others = [
        e
        for e in history
        if (e.operation in _STATUS_OPERATIONS and e.path.get("run_id") == exchange.path.get("run_id"))
        or (e.operation == "delete_thread" and e.path.get("thread_id") == exchange.path.get("thread_id"))
    ]
    others = [
        e
        for e in others
        if e is not exchange and (may_have_taken_effect(e) or (e.operation == operation and key_of(e) is Key.PRIMARY))
    ]
    was_waiting = any(
        observation.id == exchange.path.get("run_id")
        and observation.status == "requires_action"
        and observation.exchange.happened_before(exchange)
        for observation in all_observations(history)
    )
    run = find_run(history, exchange.path.get("run_id", ""))
    outdated = run.outdated if run is not None else frozenset[Observation]()
    for observation in _observed_after(history, exchange, "run", exchange.path.get("run_id", "")):
        is_contested = any(request.started < observation.exchange.ended for request in others)
        is_outdated = observation in outdated or _still_waits(history, observation, exchange)
        if not was_waiting or is_contested or is_outdated:
            continue
        if not _may_have_expired(history, observation):
            yield observation.exchange, observation.status in statuses


def _still_waits(history: History, item: Observation, exchange: Exchange) -> bool:
    """Whether a list shows the run of a request, but a read of the run after the request, or an accepted submission
    after the list, shows that it was still waiting."""
    if not is_list_item(item):
        return False
    reads = (each for each in observations("run", history) if each.id == item.id and not is_list_item(each))
    return any(each.status == "requires_action" and exchange.happened_before(each.exchange) for each in reads) or any(
        each.accepted and each.path.get("run_id") == item.id and item.exchange.happened_before(each)
        for each in history.select("submit_tool_outputs")
    )


def _may_have_expired(history: History, observation: Observation) -> bool:
    """Whether the run of an observation may have reached its `expires_at` by then, which changes its status, too."""
    own = [each for each in all_observations(history) if each.id == observation.id]
    if any(each.time("expires_at") is None and each.get("expires_at") not in (None, ABSENT) for each in own):
        return True
    first = min((time for each in own if (time := each.time("expires_at")) is not None), default=None)
    return first is not None and observation.exchange.wall + _CLOCK_TOLERANCE >= first


def _by_owner(read: Exchange, exchange: Exchange) -> bool:
    return key_of(read) is Key.PRIMARY and exchange.happened_before(read)


def _texts(content: JSON | Absent) -> list[JSON | Absent]:
    return [at(part, "/text/value") for part in content] if is_array(content) else []


_EFFECT_CHECKS: dict[str, Callable[[History, Exchange], EffectChecks]] = {
    **{f"delete_{kind}": _check_deletion for kind in ("assistant", "thread", "message")},
    **{f"modify_{kind}": _check_modification for kind in ("assistant", "thread", "message", "run")},
    "create_message": _check_message,
    "create_run": _check_run,
    "cancel_run": _check_cancellation,
    "submit_tool_outputs": _check_submission,
}

REFUSALS_TO_CHECK = tuple(
    (f"a refusal of {operation}", operation) for operation in _EFFECT_CHECKS if operation != "cancel_run"
)
"""Each refused operation whose effects a test run checks: the part of the evidence, and the operation.

They do not include a cancellation, since the owner's own, which ends the run, is identical.
"""
