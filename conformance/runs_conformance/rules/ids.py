"""Ids: one for each object, told by their prefix, not to be guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from runs_conformance.evidence.creation import Creation, creations
from runs_conformance.evidence.observation import JSON_CHANNEL, Sighting, all_sightings
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import HELD, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_IDENTIFIER = schema(f"{_SPEC} RunObject.id and its like: the identifier, which can be referenced in API endpoints")
_RECORDED = observed("recorded traffic: 3,192 of 3,192 ids are a prefix and 24 letters and digits")
PREFIXES: Mapping[str, str] = {
    "assistant": "asst_",
    "thread": "thread_",
    "message": "msg_",
    "run": "run_",
    "run_step": "step_",
}
_FEW, _STEP = 3, 16
"""How many ids in a row make a series, and how far apart the members of a counted one are at most."""


@dataclass(frozen=True, eq=False)
class Series:
    """The ids of one kind that requests of a history gave out, in order."""

    kind: str
    creations: tuple[Creation, ...]


def serieses(history: History) -> Iterable[Series]:
    """The series of every kind that something was created of."""
    made = sorted(creations(history), key=lambda creation: creation.kind)
    for kind, of_kind in groupby(made, key=lambda creation: creation.kind):
        yield Series(kind, tuple(of_kind))


def _with_ids(history: History) -> Iterable[Sighting]:
    return (sighting for sighting in all_sightings(history) if sighting.kind in PREFIXES and sighting.id)


@rule(over=serieses, level=Level.MUST, source=_IDENTIFIER, capability="core")
def no_two_objects_share_an_id(series: Series) -> Iterator[Result]:
    """Every object that is created has an id of its own."""
    seen: dict[str, Creation] = {}
    for creation in series.creations:
        before = seen.setdefault(creation.id, creation)
        message = f"the id of another {series.kind.replace('_', ' ')}"
        again = before is not creation and before.exchange is not creation.exchange
        yield creation.exchange.finding(message, "/id", actual=creation.id) if again else HELD


def _steps_of_runs(history: History) -> Iterable[tuple[Sighting, ...]]:
    """All that was seen of the steps of one id, each at the path of the run that it names."""
    seen: dict[str, list[Sighting]] = {}
    for step in all_sightings(history):
        at_its_run = step.exchange.path.get("run_id") == step.get("run_id")
        if step.kind == "run_step" and step.id and at_its_run and step.channel == JSON_CHANNEL:
            seen.setdefault(step.id, []).append(step)
    return (tuple(steps) for steps in seen.values())


@rule(over=_steps_of_runs, level=Level.MUST, source=_IDENTIFIER, capability="steps", items=("L-55",))
def no_two_runs_share_a_step_id(steps: tuple[Sighting, ...]) -> Iterator[Result]:
    """Every step has an id of its own, also among the steps of other runs.

    Steps of several runs meet in logs and client caches. Ids that count within a run take one for the other there.
    """
    first = steps[0].get("run_id")
    for step in steps:
        yield step.check(step.get("run_id") == first, "the id of a step of another run", "/id", actual=step.id)


@rule(over=_with_ids, level=Level.SHOULD, source=_RECORDED, capability="core")
def prefix_tells_the_kind(sighting: Sighting) -> Iterator[Result]:
    """An id begins with what tells its kind: `asst_`, `thread_`, `msg_`, `run_` or `step_`.

    Client code and logs tell ids apart by it, and the service itself refused others.
    """
    prefix = PREFIXES[sighting.kind]
    yield sighting.check(sighting.id.startswith(prefix), "another prefix", "/id", prefix, sighting.id)


@rule(over=serieses, level=Level.SHOULD, source=_RECORDED, capability="core")
def ids_cannot_be_guessed(series: Series) -> Iterator[Result]:
    """Ids do not count up.

    Whoever sees one of a counter knows the others. Use random ones.
    """
    if len(series.creations) >= _FEW:
        ids = [creation.id for creation in series.creations]
        counted = _counted(ids, 10) or _counted(ids, 16)
        last = series.creations[-1].exchange
        yield last.finding("ids count up", "/id", actual=list(ids[-_FEW:])) if counted else HELD


def _counted(ids: list[str], base: int) -> bool:
    """Whether what distinguishes the ids are numbers, each a little more than the one before."""
    digits = "0123456789abcdef"[:base]
    shared = next((place for place, here in enumerate(zip(*ids, strict=False)) if len(set(here)) > 1), 0)
    start = len(ids[0][:shared].rstrip(digits + digits.upper()))
    tails = [id_[start:] for id_ in ids]
    try:
        numbers = [int(tail, base) for tail in tails]
    except ValueError:
        return False
    return all(0 < later - earlier <= _STEP for earlier, later in pairwise(numbers))
