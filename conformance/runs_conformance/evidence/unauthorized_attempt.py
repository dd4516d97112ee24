"""Requests that were rejected because of their key, and whether they took effect nevertheless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import thread_creation
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.page import pages
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object


@dataclass(frozen=True, eq=False)
class UnauthorizedAttempt:
    """One modifying request that was rejected because of its key.

    `effect` is the exchange in which the owner saw that the request took effect. `was_checked` says whether an exchange
    of the owner would have shown an effect.
    """

    exchange: Exchange
    effect: Exchange | None
    was_checked: bool


@lru_cache(maxsize=16)
def unauthorized_attempts(history: History) -> tuple[UnauthorizedAttempt, ...]:
    """Every rejected modifying request with another key than the owner's, or with none."""
    return tuple(_unauthorized_attempts(history))


def _unauthorized_attempts(history: History) -> Iterator[UnauthorizedAttempt]:
    accepted = [other for other in history if other.accepted]
    for exchange in history:
        is_rejected = exchange.status is not None and 400 <= exchange.status < 500
        if key_of(exchange) is Key.PRIMARY or exchange.request.method == "GET" or not is_rejected:
            continue
        check = _EFFECT_CHECKS.get(exchange.operation or "")
        if check is None or (check is not _run and any(_are_identical(other, exchange) for other in accepted)):
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


EffectChecks = Iterator[tuple[Exchange, bool]]
"""Later reads by the owner, each with whether it shows the effect of the request."""


def _deletion(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the object still exists."""
    kind = (exchange.operation or "").removeprefix("delete_")
    for read in history:
        is_read_by_owner = (
            read.operation == f"get_{kind}" and read.path == exchange.path and key_of(read) is Key.PRIMARY
        )
        if is_read_by_owner and exchange.happened_before(read) and (read.accepted or read.status == 404):
            yield read, read.status == 404


def _modification(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the object has the metadata of the rejected request."""
    kind = (exchange.operation or "").removeprefix("modify_")
    body = exchange.request.body
    sent = body.get("metadata") if is_object(body) else None
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


def _message(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the thread has a message with the text of the rejected request."""
    body = exchange.request.body
    sent = body.get("content") if is_object(body) else None
    for page in pages(history):
        read = page.exchange
        if page.kind == "message" and read.path == exchange.path and _by_owner(read, exchange) and sent:
            yield read, any(sent in _texts(item.get("content")) for item in page.items)


def _run(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the thread has a run without a known creation."""
    thread = exchange.path.get("thread_id", "")
    known = {creation.id for creation in creations(history) if creation.kind == "run"}
    for page in pages(history):
        read = page.exchange
        if (
            page.kind == "run"
            and read.path == exchange.path
            and _by_owner(read, exchange)
            and thread_creation(history, thread)
        ):
            yield read, any(item.id not in known for item in page.items)


def _cancellation(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the waiting run was cancelled."""
    yield from _status_changes(history, exchange, "cancel_run", ("cancelling", "cancelled"))


def _submission(history: History, exchange: Exchange) -> EffectChecks:
    """Check whether the waiting run continued."""
    yield from _status_changes(history, exchange, "submit_tool_outputs", ("queued", "in_progress", "completed"))


def _status_changes(history: History, exchange: Exchange, operation: str, statuses: tuple[str, ...]) -> EffectChecks:
    """Check whether a waiting run changed to one of these statuses before its owner sent the same operation."""
    own = [e for e in history if e.operation == operation and e.path == exchange.path and key_of(e) is Key.PRIMARY]
    was_waiting = any(
        observation.id == exchange.path.get("run_id")
        and observation.status == "requires_action"
        and observation.exchange.happened_before(exchange)
        for observation in all_observations(history)
    )
    for observation in _observed_after(history, exchange, "run", exchange.path.get("run_id", "")):
        if was_waiting and not any(request.started < observation.exchange.ended for request in own):
            yield observation.exchange, observation.status in statuses


def _by_owner(read: Exchange, exchange: Exchange) -> bool:
    return key_of(read) is Key.PRIMARY and exchange.happened_before(read)


def _texts(content: JSON | Absent) -> list[JSON | Absent]:
    return [at(part, "/text/value") for part in content] if is_array(content) else []


_EFFECT_CHECKS: dict[str, Callable[[History, Exchange], EffectChecks]] = {
    **{f"delete_{kind}": _deletion for kind in ("assistant", "thread", "message")},
    **{f"modify_{kind}": _modification for kind in ("assistant", "thread", "message", "run")},
    "create_message": _message,
    "create_run": _run,
    "cancel_run": _cancellation,
    "submit_tool_outputs": _submission,
}
