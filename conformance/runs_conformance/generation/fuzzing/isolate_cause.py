"""Finds the value for which a target refuses a valid payload, to report the refusal under the right constraint."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.execution import CaseRun
from runs_conformance.generation.boundary.payload_factory import Payload, PayloadFactory
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.payloads.invalid import MutationPoint, mutation_points
from runs_conformance.generation.payloads.payload_generator import referenced_values
from runs_conformance.generation.payloads.shrink_value import simplify
from runs_conformance.generation.payloads.valid import ValueGenerator
from runs_conformance.model.case import Instruction, Mutation, Step
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object, json_equal, json_pointer

MAX_REQUESTS, MAX_REQUESTS_WITH_RUNS = 60, 30
"""Maximum number of smaller payloads, and the one for payloads that start a run if they are accepted."""

_NAME_LENGTH = ".propertyNames.maxLength"


def isolate_cause(
    case_run: CaseRun, factory: PayloadFactory, refused: Payload, step_of: Callable[[Payload], Step]
) -> Generator[Instruction, Any, None]:
    """Shrink a refused payload to the smallest valid one that is still refused.

    Then send that one again, as a valid value of the constraint that is the likely cause.
    """
    shrinking = simplify(refused.body, _is_allowed(factory, refused.body), factory.profile.control)
    body, sent = refused.body, 0
    most = MAX_REQUESTS if case_run.fixture.after_accept is None else MAX_REQUESTS_WITH_RUNS
    try:
        candidate = next(shrinking)
        while sent < most:
            sent += 1
            payload = factory.build_payload(_as_dict(candidate), (), refused.constraint)
            response = yield from case_run.send_with_retry(step_of(payload))
            if response is None:
                return
            is_refused = not response.accepted
            body = payload.body if is_refused else body
            candidate = shrinking.send(is_refused)
    except StopIteration:
        pass
    cause = likely_cause(factory, body)
    exercised = factory.exercised_constraints(body)
    mutation = Mutation(json_pointer(*cause.path), cause.keyword, ABSENT, at(body, json_pointer(*cause.path)))
    payload = factory.build_payload(body, (), cause.constraint)
    exercises = (cause.constraint, *(id_ for id_ in exercised if id_ != cause.constraint))
    yield from case_run.send_with_retry(replace(step_of(payload), packed=False, exercises=exercises, mutation=mutation))


def _is_allowed(factory: PayloadFactory, original: JSON) -> Callable[[JSON], bool]:
    """A predicate for smaller bodies that must be accepted too and refer only to objects of the original."""
    referenced = list(referenced_values(factory.schema, original))

    def is_allowed(body: JSON) -> bool:
        return (
            is_object(body)
            and not validate(factory.schema, body).violations
            and not factory.implementation_defined_reason(body)
            and factory.profile.matches_state(body)
            and all(value in referenced for value in referenced_values(factory.schema, body))
            and json_equal(factory.profile.complete_body(body), body)
        )

    return is_allowed


def likely_cause(factory: PayloadFactory, body: JSON) -> MutationPoint:
    """The place and keyword that most likely cause the refusal of a valid body: a limit that the body reaches, or else
    the deepest place where it differs from the control.
    """
    control = factory.profile.control
    points = list(mutation_points(factory.schema, body, ValueGenerator(factory.sampler)))
    differing = [each for each in points if not _is_same(control, body, each.path)] or points
    present = [
        each for each in differing if at(body, json_pointer(*each.path)) is not ABSENT and each.keyword != "required"
    ]
    at_limit = [each for each in present if _is_at_limit(factory.schema, each, at(body, json_pointer(*each.path)))]
    at_limit += [
        each
        for each in _name_points(body, points)
        if not _is_same(control, body, each.path) and _is_at_limit(factory.schema, each, str(each.path[-1]))
    ]
    required = {each.path for each in points if each.keyword == "required"}
    # Shrinking has removed the optional members that do not matter.
    optional = [
        each for each in present if each.path and each.path not in required and not isinstance(each.path[-1], int)
    ]
    return max(
        at_limit or optional or present or differing,
        key=lambda each: (len(each.path), each.keyword in ("enum", "pattern")),
    )


def _name_points(body: JSON, points: Sequence[MutationPoint]) -> Iterator[MutationPoint]:
    """The points that violate the length of a member's name, each at the members that the body has."""
    for point in points:
        members = at(body, json_pointer(*point.path[:-1])) if point.constraint.endswith(_NAME_LENGTH) else ABSENT
        for name in members if is_object(members) else ():
            yield replace(point, path=(*point.path[:-1], name))


def _is_same(control: JSON, body: JSON, path: Path) -> bool:
    return json_equal(at(control, json_pointer(*path)), at(body, json_pointer(*path)))


def _is_at_limit(schema: Schema, point: MutationPoint, value: JSON | Absent) -> bool:
    """Whether a value reaches a limit, or exceeds it if bytes are counted instead of characters."""
    limit = keyword_value(schema, point)
    match point.keyword:
        case "minimum" | "maximum":
            return value == limit
        case "maxLength":
            if not isinstance(value, str) or not isinstance(limit, int):
                return False
            return len(value) == limit or len(value.encode(errors="surrogatepass")) > limit
        case "maxItems":
            return is_array(value) and len(value) == limit
        case "maxProperties":
            return is_object(value) and len(value) == limit
    return False


def keyword_value(schema: Schema, point: MutationPoint) -> object:
    """The value of a mutation point's keyword in the schema; None if the schema does not have it."""
    path, _, keyword = point.constraint.rpartition(".")
    todo = [schema]
    for place in todo:
        if place.get("x-at") == path and keyword in place:
            return place[keyword]
        todo += place.get("oneOf", [])
        todo += list(place.get("properties", {}).values())
        below = ("items", "additionalProperties", "propertyNames")
        todo += [place[key] for key in below if isinstance(place.get(key), dict)]
    return None


def _as_dict(body: JSON) -> dict[str, JSON]:
    assert is_object(body)
    return dict(body)
