"""Doubts: why a correct server may refuse a value that its schema allows.

What the document leaves open (what depends on the model or on files, caps that the service was seen to enforce but
never published) stands beside the schema as `x-either`. A payload with a doubt is never expected to be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.condition import Test, holds
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import discriminator_of, kind_of, types_of
from runs_conformance.model.json import JSON, is_array, is_object

_REMARKS = ("reason", "source", "always")


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason why a value may be refused, and the place it concerns as constraint ids spell it."""

    at: str
    reason: str


def doubts(schema: Schema, value: JSON) -> tuple[Doubt, ...]:
    """Every doubt about a value that a compiled schema allows; none where a correct server must accept it."""
    return tuple(_doubts(schema, value))


def _doubts(schema: Schema, value: JSON) -> Iterator[Doubt]:
    for entry in schema.get("x-either", ()):
        if not is_safe(entry, value):
            yield Doubt(schema.get("x-at", ""), entry["reason"])
    if "oneOf" in schema:
        branch = branch_of(schema, value)
        if branch is not None:
            yield from _doubts(branch, value)
    kind = kind_of(value)
    if kind == "object" and is_object(value):
        rest = schema.get("additionalProperties")
        known = schema.get("properties", {})
        for member, inner in value.items():
            if member in known:
                yield from _doubts(known[member], inner)
            elif isinstance(rest, dict):
                yield from _doubts(rest, inner)
    elif kind == "array" and is_array(value) and "items" in schema:
        for item in value:
            yield from _doubts(schema["items"], item)


def branch_of(schema: Schema, value: JSON) -> Schema | None:
    """The branch of a union that a value belongs to, by its JSON type and discriminator; None where it fits none."""
    kind = kind_of(value)
    told_apart = discriminator_of(schema)
    for branch in schema["oneOf"]:
        kinds = types_of(branch)
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            continue
        if told_apart and is_object(value) and branch["properties"][told_apart[0]]["const"] != value.get(told_apart[0]):
            continue
        return dict(branch)
    return None


def is_safe(entry: Mapping[str, Any], value: JSON) -> bool:
    """Whether an entry of `x-either`, one of a compiled schema, leaves nothing open about a value."""
    if entry.get("always"):
        return False
    held = _tests.get(id(entry))
    if held is None or held[0] is not entry:
        stated = {key: member for key, member in entry.items() if key not in _REMARKS}
        held = _tests[id(entry)] = (entry, holds(stated))
    return held[1](value)


def always_doubted(place: Schema) -> bool:
    """Whether a correct server may refuse whatever stands at a place."""
    if any(entry.get("always") for entry in place.get("x-either", ())):
        return True
    if "oneOf" in place:
        return all(always_doubted(branch) for branch in place["oneOf"])
    return _needs_doubted(place)


def _needs_doubted(place: Schema) -> bool:
    members = place.get("properties", {})
    return any(always_doubted(members[name]) for name in place.get("required", ()) if name in members)


def doubted_within(around: Sequence[Schema]) -> bool:
    """Whether a correct server may refuse whatever has anything in the innermost of these places, each of which lies
    in the one before it.
    """
    for number, place in enumerate(around):
        kind = _shape(around[number + 1] if "oneOf" in place and number + 1 < len(around) else place)
        for entry in place.get("x-either", ()):
            if entry.get("always") or (kind and "type" in entry and kind not in types_of(entry)):
                return True
        if _needs_doubted(place):
            return True
    return False


def _shape(place: Schema) -> str:
    """Whether what holds other values at a place is an object or an array."""
    return "array" if "items" in place else "object" if "properties" in place or "additionalProperties" in place else ""


_tests: dict[int, tuple[Mapping[str, Any], Test]] = {}
"""The test of each entry, by its identity; the entry is kept beside it so that the identity stays taken."""
