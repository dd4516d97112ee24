"""Identity: the requested object is returned, names its parents, and keeps its identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.known_members import member_types
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import names_wrong_thread
from runs_conformance.evidence.modification import settings_at_creation
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, all_observations
from runs_conformance.evidence.run_timeline import RunTimeline, created_runs
from runs_conformance.evidence.timeline import Timeline, timelines
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.text import in_words
from runs_conformance.model.verdict import PASSED, Result, with_part

_SCHEMA = "openai-openapi f85dbe2 openapi.yaml"
_OF_RUN, _STEP = "a message that a run wrote", "a run step"
_IMMUTABLE = {
    "run": ("object", "created_at", "thread_id", "assistant_id"),
    "run_step": ("object", "created_at", "thread_id", "assistant_id", "run_id", "type"),
    "message": ("object", "created_at", "thread_id", "assistant_id", "run_id", "role"),
    "thread": ("object", "created_at"),
    "assistant": ("object", "created_at"),
}


def _single_object_responses(history: History) -> Iterable[Exchange]:
    return (exchange for exchange in history if exchange.accepted and _requested_id(exchange) is not None)


def _requested_id(exchange: Exchange) -> str | None:
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is None or operation.creates or not operation.acts_on or operation.listed_kind:
        return None
    parameter = operation.parameters[-1]
    return exchange.path.get(parameter)


@rule(
    units=_single_object_responses,
    level=Level.MUST,
    source=schema(f"{_SCHEMA} paths"),
    capability="core",
    clauses=("run-identity-never-changes",),
    formerly=("identity.answer_is_about_what_was_asked_for",),
)
def response_shows_the_requested_object(exchange: Exchange) -> Iterator[Result]:
    """The object in a response has the id from the path.

    Clients store the response under the id they requested. Applies to reads, modifications, cancellations, submissions
    and deletions of one object.

    Fix: Look the object up by the id in the path.
    """
    actual, requested = exchange.member("id"), _requested_id(exchange)
    if actual is not ABSENT:
        yield (
            exchange.finding(f"{requested} was requested, {in_words(actual)} was returned", "/id", requested, actual)
            if actual != requested
            else PASSED
        )


def _all_timelines(history: History) -> Iterable[Timeline]:
    return (timeline for kind in _IMMUTABLE for timeline in timelines(kind, history))


@rule(
    units=_all_timelines,
    level=Level.MUST,
    source=schema(f"{_SCHEMA}, descriptions of the ids"),
    capability="core",
    clauses=("run-identity-never-changes",),
    occasions=10,
)
def never_changes(timeline: Timeline) -> Iterator[Result]:
    """An object's kind, creation time and parents are the same in every response that shows it.

    Clients cache kind, creation time and parents indefinitely. The values are compared across responses, lists and
    events; a `created_at` that differs is often the time of the read. Values of a wrong type, which another requirement
    reports, are compared only with each other.

    Fix: Store kind, creation time and parents at creation, and return the stored values everywhere.
    """
    first: dict[tuple[str, str], JSON] = {}
    for observation in timeline.observations:
        for name in _IMMUTABLE[timeline.kind]:
            now = observation.get(name)
            if isinstance(now, Absent):
                continue
            json_type = json_type_of(now)
            is_valid = json_type in member_types(timeline.kind, name, observation.exchange.edition)
            place = (name, "" if is_valid else json_type)
            if place not in first:
                first[place] = now
            else:
                was = first[place]
                change = "is set, but was null before" if was is None else "has changed"
                message = f"`{name}` of the {timeline.kind.replace('_', ' ')} {change}"
                yield observation.check(json_equal(was, now), message, f"/{name}", was, now)


def _objects_below_parent(history: History) -> Iterable[Observation]:
    """The objects in responses to requests for one of them, except those that name a wrong parent.

    Whether an object may be found under a wrong parent is for `references` to judge; to name the right one is correct.
    """
    for observation in all_observations(history):
        operation = OPERATIONS[observation.exchange.operation or ""]
        if (
            observation.kind in ("run", "run_step", "message")
            and observation.channel == JSON_CHANNEL
            and not operation.listed_kind
            and not (observation.exchange.step is not None and observation.exchange.step.role is Role.NEGATIVE)
            and not names_wrong_thread(history, observation.exchange)
        ):
            yield observation


@rule(
    units=_objects_below_parent,
    level=Level.MUST,
    source=schema(f"{_SCHEMA}, descriptions of the ids"),
    capability="core",
    clauses=("created-run-is-queued", "run-identity-never-changes", "step-type-matches-details"),
    needs_parts=((_OF_RUN, "get_message"), (_STEP, "get_run_step")),
)
def object_names_where_it_is(observation: Observation) -> Iterator[Result]:
    """A run, step or message has the `thread_id` of the path it was requested by, and a step also the `run_id`.

    Clients build their next request from these ids.

    Fix: Look the object up under the thread and run of the path, and return the stored ids.
    """
    for name in ("thread_id", "run_id") if observation.kind == "run_step" else ("thread_id",):
        expected, actual = observation.exchange.path.get(name), observation.get(name)
        if expected is not None and actual is not ABSENT:
            message = f"`{name}` differs from the one in the path"
            result = observation.check(actual == expected, message, f"/{name}", expected, actual)
            yield with_part(result, _part_of(observation))


def _part_of(observation: Observation) -> str:
    if observation.kind == "message" and isinstance(observation.get("run_id"), str):
        return _OF_RUN
    return _STEP if observation.kind == "run_step" else ""


@rule(
    units=created_runs,
    level=Level.MUST,
    source=schema(f"{_SCHEMA} RunObject.assistant_id"),
    capability="core",
    clauses=("created-run-is-queued",),
)
def run_names_its_assistant(run: RunTimeline) -> Iterator[Result]:
    """A run has the `assistant_id` given in its request.

    The `assistant_id` shows who answers. A server that stores versions of assistants still shows the requested id.

    Fix: Store the requested `assistant_id` with the run.
    """
    first, requested = settings_at_creation(run), run.creation_body.get("assistant_id")
    if first is not None and requested is not None and first.get("assistant_id") is not ABSENT:
        actual = first.get("assistant_id")
        yield first.check(
            actual == requested, "the run names a different assistant", "/assistant_id", requested, actual
        )
