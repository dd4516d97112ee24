"""Finds out what it is about a legal payload that a target refuses, so that the right constraint answers for it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.execution import Performance
from runs_conformance.generation.boundary.payload_factory import Bench, Payload
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.payloads.invalid import Weakness, weaknesses
from runs_conformance.generation.payloads.payload_generator import references
from runs_conformance.generation.payloads.shrink_value import simpler
from runs_conformance.generation.payloads.valid import Maker
from runs_conformance.model.case import Move, Mutation, Step
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object, pointer, same

MOST_REQUESTS = 60
"""So many smaller payloads are tried at most; each accepted one may start a run."""


def located(
    performance: Performance, bench: Bench, refused: Payload, step_of: Callable[[Payload], Step]
) -> Generator[Move, Any, None]:
    """Send smaller and smaller legal payloads until nothing can be left out of one that is still refused.

    That one is sent once more, as the legal value of the one place that it is about.
    """
    searching = simpler(refused.body, _allowed(bench, refused.body), bench.subject.control)
    body, sent = refused.body, 0
    try:
        candidate = next(searching)
        while sent < MOST_REQUESTS:
            sent += 1
            payload = bench.payload(_members(candidate), (), refused.constraint)
            answer = yield from performance.surely(step_of(payload))
            if answer is None:
                return
            still = not answer.accepted
            body = payload.body if still else body
            candidate = searching.send(still)
    except StopIteration:
        pass
    found = culprit(bench, body)
    shows = bench.shown(body)
    mutation = Mutation(pointer(*found.path), found.keyword, ABSENT, at(body, pointer(*found.path)))
    payload = bench.payload(body, (), found.constraint)
    exercises = (found.constraint, *(id_ for id_ in shows if id_ != found.constraint))
    yield from performance.surely(replace(step_of(payload), tag="", exercises=exercises, mutation=mutation))


def _allowed(bench: Bench, original: JSON) -> Callable[[JSON], bool]:
    """Whether a smaller body must be accepted as well, and names nothing that the first did not."""
    named = list(references(bench.schema, original))

    def allowed(body: JSON) -> bool:
        return (
            is_object(body)
            and not examine_schema(bench.schema, body).faults
            and not bench.doubt(body)
            and bench.subject.fits(body)
            and all(value in named for value in references(bench.schema, body))
            and same(bench.subject.whole(body), body)
        )

    return allowed


def culprit(bench: Bench, body: JSON) -> Weakness:
    """The place and keyword that a legal body is most about: a bound that it is at, else the deepest place where it is
    not the smallest body.
    """
    control = bench.subject.control
    found = list(weaknesses(bench.schema, body, Maker(bench.sampler)))
    own = [each for each in found if not _the_same(control, body, each.path)] or found
    present = [each for each in own if at(body, pointer(*each.path)) is not ABSENT and each.keyword != "required"]
    edges = [each for each in present if _at_bound(bench.schema, each, at(body, pointer(*each.path)))]
    needed = {each.path for each in found if each.keyword == "required"}
    # What is optional and still there cannot be left out, so that is what it is about.
    optional = [
        each for each in present if each.path and each.path not in needed and not isinstance(each.path[-1], int)
    ]
    return max(
        edges or optional or present or own, key=lambda each: (len(each.path), each.keyword in ("enum", "pattern"))
    )


def _the_same(control: JSON, body: JSON, path: Path) -> bool:
    return same(at(control, pointer(*path)), at(body, pointer(*path)))


def _at_bound(schema: Schema, weakness: Weakness, value: JSON | Absent) -> bool:
    bound = bound_of(schema, weakness)
    match weakness.keyword:
        case "minimum" | "maximum":
            return value == bound
        case "maxLength":
            return isinstance(value, str) and len(value) == bound
        case "maxItems":
            return is_array(value) and len(value) == bound
        case "maxProperties":
            return is_object(value) and len(value) == bound
    return False


def bound_of(schema: Schema, weakness: Weakness) -> object:
    """The value of the keyword that a weakness is about."""
    where, _, keyword = weakness.constraint.rpartition(".")
    todo = [schema]
    for place in todo:
        if place.get("x-at") == where and keyword in place:
            return place[keyword]
        todo += place.get("oneOf", [])
        todo += list(place.get("properties", {}).values())
        todo += [place[key] for key in ("items", "additionalProperties") if isinstance(place.get(key), dict)]
    return None


def _members(body: JSON) -> dict[str, JSON]:
    assert is_object(body)
    return dict(body)
