"""Implementation-defined values: a correct server may accept or refuse them although their schema allows them.

The annotation `x-implementation-defined` lists them: values that depend on the model or on files, and limits that the
service enforced but never published. The suite never requires a server to accept such a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.condition import Condition, compile_condition
from runs_conformance.contract.json_type import accepted_types, allowed_types, discriminator_of, json_type_of
from runs_conformance.contract.schema import Schema
from runs_conformance.model.json import JSON, is_array, is_object

_ANNOTATIONS = ("reason", "source", "always")


@dataclass(frozen=True, slots=True)
class ImplementationDefined:
    """One reason why a value may be refused. `at` is its place, as in constraint ids."""

    at: str
    reason: str


def implementation_defined(schema: Schema, value: JSON) -> tuple[ImplementationDefined, ...]:
    """The reasons why a server may refuse a value that a compiled schema allows; empty if it must accept the value."""
    return tuple(_implementation_defined(schema, value))


def _implementation_defined(schema: Schema, value: JSON) -> Iterator[ImplementationDefined]:
    for entry in schema.get("x-implementation-defined", ()):
        if not is_safe(entry, value):
            yield ImplementationDefined(schema.get("x-at", ""), entry["reason"])
    if "oneOf" in schema:
        branch = branch_of(schema, value)
        if branch is not None:
            yield from _implementation_defined(branch, value)
    json_type = json_type_of(value)
    if json_type == "object" and is_object(value):
        additional = schema.get("additionalProperties")
        known = schema.get("properties", {})
        for member, inner in value.items():
            if member in known:
                yield from _implementation_defined(known[member], inner)
            elif isinstance(additional, dict):
                yield from _implementation_defined(additional, inner)
    elif json_type == "array" and is_array(value) and "items" in schema:
        for item in value:
            yield from _implementation_defined(schema["items"], item)


def branch_of(schema: Schema, value: JSON) -> Schema | None:
    """The branch of a union that a value's JSON type and discriminator select; None if they select none."""
    json_type = json_type_of(value)
    discriminator = discriminator_of(schema)
    for branch in schema["oneOf"]:
        if json_type not in accepted_types(branch):
            continue
        if discriminator and is_object(value):
            member, _ = discriminator
            if branch["properties"][member]["const"] != value.get(member):
                continue
        return dict(branch)
    return None


def is_safe(entry: Mapping[str, Any], value: JSON) -> bool:
    """Whether a server must accept a value as far as one entry of `x-implementation-defined` is concerned."""
    if entry.get("always"):
        return False
    cached = _conditions.get(id(entry))
    if cached is None or cached[0] is not entry:
        schema = {key: member for key, member in entry.items() if key not in _ANNOTATIONS}
        cached = _conditions[id(entry)] = (entry, compile_condition(schema))
    return cached[1](value)


def is_always_implementation_defined(place: Schema) -> bool:
    """Whether a correct server may refuse every value at a place."""
    if any(entry.get("always") for entry in place.get("x-implementation-defined", ())):
        return True
    if "oneOf" in place:
        return all(is_always_implementation_defined(branch) for branch in place["oneOf"])
    return _requires_implementation_defined(place)


def _requires_implementation_defined(place: Schema) -> bool:
    members = place.get("properties", {})
    return any(is_always_implementation_defined(members[name]) for name in place.get("required", ()) if name in members)


def is_implementation_defined_within(ancestors: Sequence[Schema]) -> bool:
    """Whether a correct server may refuse every body with a value in the innermost of these nested places, which are
    ordered from the outermost.
    """
    for number, place in enumerate(ancestors):
        branch = ancestors[number + 1] if "oneOf" in place and number + 1 < len(ancestors) else place
        json_type = _container_type(branch)
        for entry in place.get("x-implementation-defined", ()):
            if entry.get("always") or (json_type and "type" in entry and json_type not in allowed_types(entry)):
                return True
        if _requires_implementation_defined(place):
            return True
    return False


def _container_type(place: Schema) -> str:
    """`object` or `array`, whichever a place contains other values in; empty if it contains none."""
    return "array" if "items" in place else "object" if "properties" in place or "additionalProperties" in place else ""


_conditions: dict[int, tuple[Mapping[str, Any], Condition]] = {}
"""The condition of each entry by the entry's `id()`. Keeping the entry alive beside it keeps the id unique."""
