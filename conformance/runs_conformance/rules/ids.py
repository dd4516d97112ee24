"""Ids: unique, recognizable by prefix, and not guessable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from runs_conformance.evidence.creation import SHARED_ID, Creation, creations
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, all_observations
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

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
_MIN_SERIES, _MAX_INCREMENT = 3, 16
"""Fewest ids that are judged as a series, and the largest increment that still counts as sequential."""


@dataclass(frozen=True, eq=False)
class Series:
    """The creations of one kind of object in a history, in order."""

    kind: str
    creations: tuple[Creation, ...]


def id_series(history: History) -> Iterable[Series]:
    """One series for each kind of object that was created."""
    ordered = sorted(creations(history), key=lambda creation: creation.kind)
    for kind, of_kind in groupby(ordered, key=lambda creation: creation.kind):
        yield Series(kind, tuple(of_kind))


def _objects_with_ids(history: History) -> Iterable[Observation]:
    return (observation for observation in all_observations(history) if observation.kind in PREFIXES and observation.id)


@rule(units=id_series, level=Level.MUST, source=_IDENTIFIER, capability="core", occasions=5)
def no_two_objects_share_an_id(series: Series) -> Iterator[Result]:
    """Every object has an id of its own.

    If two objects share an id, one of them cannot be reached.

    Fix: Generate ids that are random and long enough, and enforce their uniqueness in the store.
    """
    first_with_id: dict[str, Creation] = {}
    for creation in series.creations:
        first = first_with_id.setdefault(creation.id, creation)
        if first is not creation and first.exchange is not creation.exchange:
            noun = series.kind.replace("_", " ")
            message = f"two {noun}s have the same id"
            if _shows_same_object(creation, first):
                message = f"the request got the {noun} of an earlier request instead of a new one"
            yield creation.exchange.finding(message, "/id", actual=creation.id)
        elif len(first_with_id) > 1:
            yield PASSED


def _shows_same_object(creation: Creation, earlier: Creation) -> bool:
    """Whether two requests got equal responses, so that the second one seems to have created nothing."""
    exchange, before = creation.exchange, earlier.exchange
    is_alike = exchange.operation == before.operation and exchange.path == before.path
    return is_alike and is_object(exchange.body) and json_equal(exchange.body, before.body)


def _steps_by_id(history: History) -> Iterable[tuple[Observation, ...]]:
    """The observations of steps by id, only from the path of the run that the step names; none if there is one run."""
    groups: dict[str, list[Observation]] = {}
    for step in all_observations(history):
        at_its_run = step.exchange.path.get("run_id") == step.get("run_id")
        if step.kind == "run_step" and step.id and at_its_run and step.channel == JSON_CHANNEL:
            groups.setdefault(step.id, []).append(step)
    known_runs = {step.get("run_id") for group in groups.values() for step in group}
    return [tuple(group) for group in groups.values()] if len(known_runs) > 1 else []


@rule(
    units=_steps_by_id,
    level=Level.MUST,
    source=_IDENTIFIER,
    capability="steps",
    clauses=("step-type-matches-details",),
    occasions=2,
)
def no_two_runs_share_a_step_id(steps: tuple[Observation, ...]) -> Iterator[Result]:
    """Step ids are unique across runs, not only within one.

    Logs and client caches hold steps of several runs, and confuse steps with equal ids.

    Fix: Generate step ids like all other ids instead of numbering the steps of a run.
    """
    first = steps[0].get("run_id")
    for step in steps:
        yield step.check(step.get("run_id") == first, "steps of two runs have the same id", "/id", actual=step.id)


@rule(units=_objects_with_ids, level=Level.SHOULD, source=_RECORDED, capability="core")
def prefix_tells_the_kind(observation: Observation) -> Iterator[Result]:
    """An id starts with the prefix of its kind: `asst_`, `thread_`, `msg_`, `run_` or `step_`.

    Client code and logs distinguish ids by prefix, and the real service refused ids with another one.

    Fix: Add the prefix when an id is generated.
    """
    prefix = PREFIXES[observation.kind]
    yield observation.check(
        observation.id.startswith(prefix), "the id does not have the prefix of its kind", "/id", prefix, observation.id
    )


@rule(
    units=id_series,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    occasions=2,
    judges_whole_history=True,
)
def ids_cannot_be_guessed(series: Series) -> Iterator[Result]:
    """Ids are not sequential.

    Whoever sees one id of a sequence can guess the others.

    Fix: Generate ids at random.
    """
    ids = [creation.id for creation in series.creations]
    if len(set(ids)) >= _MIN_SERIES:
        is_sequential = _is_sequential(ids, 10) or _is_sequential(ids, 16)
        last = series.creations[-1].exchange
        yield (
            last.finding("the ids are sequential", "/id", actual=list(ids[-_MIN_SERIES:])) if is_sequential else PASSED
        )
    elif len(ids) >= _MIN_SERIES:
        yield Inconclusive(SHARED_ID)


def _is_sequential(ids: list[str], base: int) -> bool:
    """Whether the ids differ only in a number that increases slightly from each id to the next."""
    digits = "0123456789abcdef"[:base]
    shared = next(
        (position for position, characters in enumerate(zip(*ids, strict=False)) if len(set(characters)) > 1), 0
    )
    start = len(ids[0][:shared].rstrip(digits + digits.upper()))
    tails = [id_[start:] for id_ in ids]
    try:
        numbers = [int(tail, base) for tail in tails]
    except ValueError:
        return False
    return all(0 < later - earlier <= _MAX_INCREMENT for earlier, later in pairwise(numbers))
