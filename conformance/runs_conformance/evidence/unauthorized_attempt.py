"""Requests that were turned away for their key, and whether what they asked for happened all the same."""

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
    """One request to change something that was turned away for its key, with what its owner saw afterwards.

    `trace` is the exchange that shows that it was carried out nevertheless. `looked` says that there was a look which
    would have shown it.
    """

    exchange: Exchange
    effect: Exchange | None
    was_checked: bool


@lru_cache(maxsize=16)
def unauthorized_attempts(history: History) -> tuple[UnauthorizedAttempt, ...]:
    """Every attempt to change something with a key that is not the owner's, or with none, that was turned away."""
    return tuple(_unauthorized_attempts(history))


def _unauthorized_attempts(history: History) -> Iterator[UnauthorizedAttempt]:
    accepted = [other for other in history if other.accepted]
    for exchange in history:
        turned_away = exchange.status is not None and 400 <= exchange.status < 500
        if key_of(exchange) is Key.PRIMARY or exchange.request.method == "GET" or not turned_away:
            continue
        seek = _EFFECT_CHECKS.get(exchange.operation or "")
        if seek is None or (seek is not _run and any(_are_identical(other, exchange) for other in accepted)):
            continue
        looks = list(seek(history, exchange))
        yield UnauthorizedAttempt(exchange, next((look for look, trace in looks if trace), None), bool(looks))


def _are_identical(one: Exchange, other: Exchange) -> bool:
    """Whether two requests ask for the same, so that a trace of one might be the other's."""
    return (one.operation, one.request.path, one.request.body) == (
        other.operation,
        other.request.path,
        other.request.body,
    )


EffectChecks = Iterator[tuple[Exchange, bool]]
"""Looks of the owner afterwards, each with whether it shows the trace of an intrusion."""


def _deletion(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the object is still found."""
    kind = (exchange.operation or "").removeprefix("delete_")
    for look in history:
        same = look.operation == f"get_{kind}" and look.path == exchange.path and key_of(look) is Key.PRIMARY
        if same and exchange.happened_before(look) and (look.accepted or look.status == 404):
            yield look, look.status == 404


def _modification(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the object has metadata that only the intruder sent."""
    kind = (exchange.operation or "").removeprefix("modify_")
    body = exchange.request.body
    sent = body.get("metadata") if is_object(body) else None
    for seen in _observed_after(history, exchange, kind, exchange.path.get(f"{kind}_id", "")):
        held = seen.get("metadata")
        if is_object(sent) and is_object(held):
            yield seen.exchange, bool(sent) and sent.items() <= held.items()


def _observed_after(history: History, exchange: Exchange, kind: str, id_: str) -> Iterator[Observation]:
    for seen in all_observations(history):
        own = key_of(seen.exchange) is Key.PRIMARY
        if own and seen.kind == kind and seen.id == id_ and exchange.happened_before(seen.exchange):
            yield seen


def _message(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the thread's list has a message with the intruder's text."""
    body = exchange.request.body
    sent = body.get("content") if is_object(body) else None
    for page in pages(history):
        look = page.exchange
        if page.kind == "message" and look.path == exchange.path and _by_owner(look, exchange) and sent:
            yield look, any(sent in _texts(item.get("content")) for item in page.items)


def _run(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the thread's list has a run that nobody is known to have created."""
    thread = exchange.path.get("thread_id", "")
    known = {creation.id for creation in creations(history) if creation.kind == "run"}
    for page in pages(history):
        look = page.exchange
        if (
            page.kind == "run"
            and look.path == exchange.path
            and _by_owner(look, exchange)
            and thread_creation(history, thread)
        ):
            yield look, any(item.id not in known for item in page.items)


def _cancellation(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the run that waited for its outputs is cancelled."""
    yield from _status_changes(history, exchange, "cancel_run", ("cancelling", "cancelled"))


def _submission(history: History, exchange: Exchange) -> EffectChecks:
    """Whether the run that waited for its outputs goes on."""
    yield from _status_changes(history, exchange, "submit_tool_outputs", ("queued", "in_progress", "completed"))


def _status_changes(history: History, exchange: Exchange, operation: str, statuses: tuple[str, ...]) -> EffectChecks:
    """Looks at a run before its owner did the same, with whether it has a status that only the intruder asked for."""
    own = [e for e in history if e.operation == operation and e.path == exchange.path and key_of(e) is Key.PRIMARY]
    waited = any(
        seen.id == exchange.path.get("run_id")
        and seen.status == "requires_action"
        and seen.exchange.happened_before(exchange)
        for seen in all_observations(history)
    )
    for seen in _observed_after(history, exchange, "run", exchange.path.get("run_id", "")):
        if waited and not any(act.started < seen.exchange.ended for act in own):
            yield seen.exchange, seen.status in statuses


def _by_owner(look: Exchange, exchange: Exchange) -> bool:
    return key_of(look) is Key.PRIMARY and exchange.happened_before(look)


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
