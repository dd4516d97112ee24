"""That an object is the one asked for, says where it belongs, and stays itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import JSON_CHANNEL, Sighting, all_sightings
from runs_conformance.evidence.origin import first_shown
from runs_conformance.evidence.timeline import RunLine, Timeline, runs, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result

_SCHEMA = "openai-openapi f85dbe2 openapi.yaml"
_STABLE = {
    "run": ("object", "created_at", "thread_id", "assistant_id"),
    "run_step": ("object", "created_at", "thread_id", "assistant_id", "run_id", "type"),
    "message": ("object", "created_at", "thread_id", "assistant_id", "run_id", "role"),
    "thread": ("object", "created_at"),
    "assistant": ("object", "created_at"),
}


def _about_one(history: History) -> Iterable[Exchange]:
    return (exchange for exchange in history if exchange.accepted and _asked_for(exchange) is not None)


def _asked_for(exchange: Exchange) -> str | None:
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is None or operation.creates or not operation.acts_on or operation.lists:
        return None
    named = operation.parameters[-1]
    return exchange.path.get(named)


@rule(over=_about_one, level=Level.MUST, source=schema(f"{_SCHEMA} paths"), capability="core", items=("L-54",))
def answer_is_about_what_was_asked_for(exchange: Exchange) -> Iterator[Result]:
    """The object in an answer is the one whose id is in the path.

    For reads, modifications, cancellations, submissions and deletions of one object.
    """
    shown, asked = exchange.member("id"), _asked_for(exchange)
    if shown is not ABSENT:
        yield (
            exchange.finding(f"asked for {asked}, answered {shown!r}", "/id", asked, shown) if shown != asked else HELD
        )


def _all_lines(history: History) -> Iterable[Timeline]:
    return (line for kind in _STABLE for line in timelines(kind, history))


@rule(
    over=_all_lines,
    level=Level.MUST,
    source=schema(f"{_SCHEMA}, descriptions of the ids"),
    capability="core",
    items=("L-54",),
)
def never_changes(line: Timeline) -> Iterator[Result]:
    """What an object is does not change from look to look: when it was created, where it belongs, and its kind.

    Seen in answers, lists and events alike. A `created_at` that differs is often the time of the look.
    """
    first = line.sightings[0]
    for seen in line.sightings[1:]:
        for name in _STABLE[line.kind]:
            was, now = first.get(name), seen.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield seen.check(same(was, now), f"{name} has changed", f"/{name}", was, now)


def _within(history: History) -> Iterable[Sighting]:
    for seen in all_sightings(history):
        operation = OPERATIONS[seen.exchange.operation or ""]
        if seen.kind in ("run", "run_step", "message") and seen.channel == JSON_CHANNEL and not operation.lists:
            yield seen


@rule(
    over=_within,
    level=Level.MUST,
    source=schema(f"{_SCHEMA}, descriptions of the ids"),
    capability="core",
    items=("L-01", "L-54", "L-55"),
)
def object_names_where_it_is(seen: Sighting) -> Iterator[Result]:
    """A run, step or message names the thread, and a step the run, at whose path it was found.

    Clients build their next request from these ids. Take them from what is stored, not from a default.
    """
    for name in ("thread_id", "run_id") if seen.kind == "run_step" else ("thread_id",):
        wanted, shown = seen.exchange.path.get(name), seen.get(name)
        if wanted is not None and shown is not ABSENT:
            yield seen.check(shown == wanted, f"{name} is not the one in the path", f"/{name}", wanted, shown)


@rule(
    over=runs, level=Level.MUST, source=schema(f"{_SCHEMA} RunObject.assistant_id"), capability="core", items=("L-01",)
)
def run_names_its_assistant(run: RunLine) -> Iterator[Result]:
    """A run names the assistant that its request asked for.

    It tells who answers. A server that keeps assistants as versions still shows the id it was asked for.
    """
    first, asked = first_shown(run), run.asked.get("assistant_id")
    if first is not None and asked is not None and first.get("assistant_id") is not ABSENT:
        shown = first.get("assistant_id")
        yield first.check(shown == asked, "another assistant runs", "/assistant_id", asked, shown)
