"""Races: what is certain of requests that were under way at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.evidence.concurrent_requests import Collision, collisions
from runs_conformance.evidence.observation import Sighting, all_sightings
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.timeline import RunLine, runs, runs_of_thread
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at, is_array, is_object, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")
_QUEUED_TOO = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks",
    note="that a queued run locks its thread is inferred",
)
_ONCE = schema(f"{_SPEC} submitToolOuputsToRun: when a run has the status requires_action")
_MODIFY = schema(f"{_SPEC} modifyRun, modifyThread, modifyMessage, modifyAssistant: modifies it")


@dataclass(frozen=True, eq=False)
class Rivals:
    """Two runs of one thread."""

    one: RunLine
    other: RunLine


def rivals(history: History) -> Iterator[Rivals]:
    """Every two runs of one thread."""
    for one, other in combinations(runs(history), 2):
        if one.thread_id and one.thread_id == other.thread_id:
            yield Rivals(one, other)


def creations_at_once(history: History) -> Iterable[Collision]:
    """Every two or more runs that were to be created on one thread at once."""
    return (each for each in collisions(history) if each.operation == "create_run")


def submissions_at_once(history: History) -> Iterable[Collision]:
    """Every two or more submissions of outputs for the same calls at once."""
    for each in collisions(history):
        if each.operation == "submit_tool_outputs" and len({_call_ids(exchange) for exchange in each.exchanges}) == 1:
            yield each


def _call_ids(exchange: Exchange) -> frozenset[str]:
    outputs = at(exchange.request.body, "/tool_outputs")
    return frozenset(str(at(output, "/tool_call_id")) for output in (outputs if is_array(outputs) else ()))


@rule(over=rivals, level=Level.MUST, source=_LOCKS, capability="core", items=("L-26",))
def two_runs_never_work_together(pair: Rivals) -> Iterator[Result]:
    """No two runs of one thread are in progress together.

    Seen in one list, or the one before and after the other. Whatever lets two requests check the lock before either
    takes it lets two answers into one conversation.
    """
    working = [[s for s in line.sightings if s.status == "in_progress"] for line in (pair.one, pair.other)]
    created = [line.creation for line in (pair.one, pair.other) if line.creation]
    together = next((seen for seen in _together(*working) if all(c.before(seen.exchange) for c in created)), None)
    if together is not None:
        yield together.finding(f"{pair.one.id} and {pair.other.id} are in progress together", "/status")
    elif all(working):
        yield HELD


def _together(ones: list[Sighting], others: list[Sighting]) -> Iterator[Sighting]:
    """Each sighting of the one that certainly was true while the other was in progress."""
    for seen, rest in (*((one, others) for one in ones), *((other, ones) for other in others)):
        listed = seen.event is None and any(each.exchange is seen.exchange for each in rest)
        if listed or (any(each.before(seen) for each in rest) and any(seen.before(each) for each in rest)):
            yield seen


@rule(over=creations_at_once, level=Level.SHOULD, source=_QUEUED_TOO, capability="core", items=("L-26", "L-27"))
def one_of_two_runs_at_once_is_taken(collision: Collision) -> Iterator[Result]:
    """Of two runs created on one thread at the same moment, one is accepted and the other refused.

    Both may be accepted where the one was over before the other began.
    """
    lines = [run for run in runs_of_thread(collision.history, collision.id) if run.creation in collision.accepted]
    active = [line for line in lines if _active_after(line, collision.ended)]
    if len(active) > 1:
        found = [line.id for line in active]
        yield collision.accepted[-1].finding(
            "two runs were accepted at once, and are active together", actual=list(found)
        )
    elif len(collision.accepted) > 1:
        yield Undecided("two runs were accepted at once, but one may have been over before the other began")
    elif collision.accepted and collision.clear:
        yield HELD


def _active_after(line: RunLine, moment: float) -> bool:
    """Whether a run was still active at some time after a moment, so that it was active at that moment."""
    return any(seen.begins >= moment and seen.status in ACTIVE for seen in line.sightings)


@rule(over=submissions_at_once, level=Level.MUST, source=_ONCE, capability="tools", items=("L-36",))
def outputs_are_taken_once(collision: Collision) -> Iterator[Result]:
    """Of two submissions for the same calls at the same moment, no more than one is accepted.

    The first one moves the run on; for the second there is nothing left to submit to. Twice taken, an answer may be
    written twice, or from outputs that nobody can tell.
    """
    if len(collision.accepted) > 1:
        yield collision.accepted[-1].finding("the outputs of the same calls were accepted twice")
    elif collision.clear:
        yield HELD


@rule(over=submissions_at_once, level=Level.SHOULD, source=_ONCE, capability="tools", items=("L-36",))
def one_of_two_submissions_is_taken(collision: Collision) -> Iterator[Result]:
    """Of two submissions for the pending calls at the same moment, one is accepted."""
    line = next((run for run in runs(collision.history) if run.id == collision.id), None)
    waited = line.before(collision.exchanges[0]) if line else None
    if waited is not None and waited.status == "requires_action" and collision.clear:
        found = collision.exchanges[-1].finding("the outputs of pending calls were refused twice")
        yield HELD if collision.accepted else found


@dataclass(frozen=True, eq=False)
class Change:
    """An accepted modification, and the first look at the object afterwards, with nothing else done to it between."""

    exchange: Exchange
    seen: Sighting


def changes_under_a_run(history: History) -> Iterator[Change]:
    """Every modification of a run or its thread that was accepted while the run was active."""
    for exchange in history:
        kind = (exchange.operation or "").removeprefix("modify_")
        if exchange.operation not in ("modify_run", "modify_thread", "modify_message") or not exchange.accepted:
            continue
        lines = runs_of_thread(history, exchange.path.get("thread_id", ""))
        seen = _last_seen(history, exchange, kind)
        if seen is not None and any(line.surely_active(exchange) for line in lines):
            yield Change(exchange, seen)


def _last_seen(history: History, exchange: Exchange, kind: str) -> Sighting | None:
    """The last look at the modified object before anything else may have modified it."""
    id_ = exchange.path.get(f"{kind}_id", "")
    others = [e for e in history if e.operation == exchange.operation and e.path == exchange.path and e is not exchange]
    looks = [s for s in all_sightings(history) if s.kind == kind and s.id == id_ and exchange.before(s.exchange)]
    sure = [
        s
        for s in looks
        if not any(took_effect(e) and e.ended > exchange.started and e.started < s.ends for e in others)
    ]
    return sure[-1] if sure else None


@rule(over=changes_under_a_run, level=Level.MUST, source=_MODIFY, capability="metadata", items=("L-29", "L-45"))
def changes_outlive_the_run(change: Change) -> Iterator[Result]:
    """What was modified while a run was active is still there afterwards.

    A run that is saved as it was when it began undoes what was acknowledged meanwhile.
    """
    told, kept = change.exchange.member("metadata"), change.seen.get("metadata")
    if is_object(told) and is_object(kept):
        yield change.seen.check(same(told, kept), "metadata is not as it was modified", "/metadata", told, kept)


def changes_at_once(history: History) -> Iterator[tuple[Collision, Sighting]]:
    """Every two or more modifications of one object at once that were accepted, with the next look at it."""
    for each in collisions(history):
        kind = each.operation.removeprefix("modify_")
        later = [s for s in all_sightings(history) if s.kind == kind and s.id == each.id and s.begins >= each.ended]
        if each.operation.startswith("modify_") and len(each.accepted) > 1 and each.clear and later:
            yield each, later[0]


@rule(over=changes_at_once, level=Level.MUST, source=_MODIFY, capability="metadata", items=("L-44", "L-47"))
def of_two_changes_one_stands(pair: tuple[Collision, Sighting]) -> Iterator[Result]:
    """Of two modifications of one object at the same moment, both accepted, one is there afterwards, or both are."""
    collision, seen = pair
    kept = seen.get("metadata")
    sent = [_metadata(exchange) for exchange in collision.accepted]
    if is_object(kept) and all(sent):
        stands = any(all(same(kept.get(key), value) for key, value in each.items()) for each in sent)
        yield seen.check(stands, "neither of two accepted changes is there", "/metadata", actual=kept)


def _metadata(exchange: Exchange) -> dict[str, JSON]:
    value = at(exchange.request.body, "/metadata")
    return dict(value) if is_object(value) else {}
