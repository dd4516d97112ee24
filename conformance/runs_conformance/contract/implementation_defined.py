"""Implementation-defined values: a correct server may accept or refuse them although their schema allows them.

The annotation `x-implementation-defined` lists them: values that depend on the model or on files, and limits that the
service enforced but never published. The suite never requires a server to accept such a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    cached = _finders.get(id(schema))
    if cached is None or cached[0] is not schema:
        cached = _finders[id(schema)] = (schema, _compile(schema))
    finder = cached[1]
    return tuple(finder(value)) if finder is not None else ()


_Finder = Callable[[JSON], Iterator[ImplementationDefined]]


def _compile(schema: Schema) -> _Finder | None:
    """The function that finds the reasons in a value of a schema; None if the schema and all below it state none."""
    at = schema.get("x-at", "")
    stated = schema.get("x-implementation-defined", ())
    entries = [(entry, ImplementationDefined(at, entry["reason"])) for entry in stated]
    branches = _compile_branches(schema) if "oneOf" in schema else None
    members = {name: _compile(member) for name, member in schema.get("properties", {}).items()}
    additional = schema.get("additionalProperties")
    others = _compile(additional) if isinstance(additional, dict) else None
    items = _compile(schema["items"]) if "items" in schema else None
    if not (entries or branches or others or items or any(members.values())):
        return None

    def find(value: JSON) -> Iterator[ImplementationDefined]:
        for entry, reason in entries:
            if not is_safe(entry, value):
                yield reason
        if branches is not None:
            yield from branches(value)
        if is_object(value):
            for member, inner in value.items():
                finder = members.get(member, others)
                if finder is not None:
                    yield from finder(inner)
        elif items is not None and is_array(value):
            for item in value:
                yield from items(item)

    return find


def _compile_branches(schema: Schema) -> _Finder | None:
    """The function that finds the reasons in a value of the branch that it selects; None if no branch states any."""
    finders = [_compile(branch) for branch in schema["oneOf"]]
    if not any(finders):
        return None
    select = _branch_selector(schema)

    def find(value: JSON) -> Iterator[ImplementationDefined]:
        position = select(value)
        finder = None if position is None else finders[position]
        return iter(()) if finder is None else finder(value)

    return find


def branch_of(schema: Schema, value: JSON) -> Schema | None:
    """The branch of a union that a value's JSON type and discriminator select; None if they select none."""
    position = _branch_selector(schema)(value)
    return None if position is None else dict(schema["oneOf"][position])


def _branch_selector(schema: Schema) -> Callable[[JSON], int | None]:
    """The function that returns the position of the branch that a value selects."""
    discriminator = discriminator_of(schema)
    member = discriminator[0] if discriminator else ""
    branches = [
        (position, accepted_types(branch), branch.get("properties", {}).get(member, {}).get("const"))
        for position, branch in enumerate(schema["oneOf"])
    ]

    def select(value: JSON) -> int | None:
        json_type = json_type_of(value)
        for position, accepted, discriminating in branches:
            if json_type in accepted and not (
                discriminator and is_object(value) and value.get(member) != discriminating
            ):
                return position
        return None

    return select


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


_finders: dict[int, tuple[Schema, _Finder | None]] = {}
"""The compiled form of each schema by the schema's `id()`. Keeping the schema alive beside it keeps the id unique."""
_conditions: dict[int, tuple[Mapping[str, Any], Condition]] = {}
"""The condition of each entry by the entry's `id()`. Keeping the entry alive beside it keeps the id unique."""
