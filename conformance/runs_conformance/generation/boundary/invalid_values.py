"""Invalid values: for each keyword at a place the nearest values that violate it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runs_conformance.contract.json_type import allowed_types, discriminator_of, json_type_of
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.place import Path, Place
from runs_conformance.generation.boundary.sample import MissingResource, Sampler, key_names, until_missing
from runs_conformance.model.json import JSON, is_object

MAX_ITEMS = 1000
"""The longest list that is sent."""

_UNEXPECTED = "unexpected"
_NUMBER_STEP = 0.01
"""How far beyond the bound of a number the invalid value lies."""


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """One way to violate one keyword at a place: a valid value, and the invalid one that replaces it.

    `path` leads from the place to the mutated member, and is empty if the place itself is mutated. `common_mistake`
    marks a value that servers are known to accept by mistake.
    """

    constraint: str
    keyword: str
    valid: JSON
    invalid: JSON
    path: Path = ()
    common_mistake: bool = False


def invalid_values(place: Place, sampler: Sampler) -> Iterator[InvalidValue]:
    """Yield every violation of a place's own keywords that can be built, the nearest of each keyword first."""
    schema, at = place.schema, place.at
    if not place.is_union_branch and allowed_types(schema):
        yield from until_missing(_type_violations(schema, at, sampler))
    yield from _union_violations(schema, at, sampler)
    yield from until_missing(_scalar_violations(schema, at, sampler))
    yield from until_missing(_array_violations(schema, at, sampler))
    yield from until_missing(_object_violations(schema, at, sampler))
    yield from until_missing(_map_violations(schema, at, sampler))


def _type_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    valid = sampler.value(schema)
    item = next(until_missing(_items_of_list(schema, sampler)), None)
    allowed = allowed_types(schema)
    first, *others = wrong_type_values(allowed, valid, item)
    if "x-references" in schema:
        # Careless servers treat an empty object like a missing id.
        others.sort(key=lambda value: value == {})
    mistakes = [value for value in schema.get("x-common-mistake", ()) if json_type_of(value) not in allowed]
    for invalid in (first, *mistakes, *others):
        yield InvalidValue(f"{at}.type", "type", valid, invalid, common_mistake=invalid in mistakes)


def _items_of_list(schema: Schema, sampler: Sampler) -> Iterator[JSON]:
    """A valid item of the list that a place expects. As the alternative to a text it refers to no file."""
    if "items" in schema:
        yield sampler.value(schema["items"])
    without_files = replace(sampler, accepts_any_file_id=False, use={})
    yield from (without_files.value(branch["items"]) for branch in schema.get("oneOf", ()) if "items" in branch)


def wrong_type_values(allowed: list[str], valid: JSON, item: JSON = None) -> list[JSON]:
    """Values of JSON types that are not allowed, first those that a careless server accepts as an allowed one.

    `item` is a valid item of the expected list, if a list is expected: without its list it has the wrong type. Unlike
    an empty object, it is not mistaken for a missing value.
    """
    accepted = set(allowed) | ({"integer"} if "number" in allowed else set())
    shape = "array" if "array" in accepted else "object" if "object" in accepted else "scalar"
    candidates: list[tuple[str, JSON]] = []
    if "string" not in accepted:
        candidates.append(("string", _to_string(valid)))
    if "integer" not in accepted:
        candidates.append(("integer", 1 if "boolean" in accepted else 5))
    elif "number" not in accepted:
        candidates.insert(1, ("number", (valid if isinstance(valid, int) else 1) + 0.5))
    candidates += [("null", None), ("boolean", True), ("object", {}), ("array", [valid] if shape == "scalar" else [])]
    if shape == "array":
        bare_item = item if is_object(item) else valid[0] if isinstance(valid, list) and valid else {}
        candidates = [
            ("object", bare_item if is_object(bare_item) else {}),
            *[pair for pair in candidates if pair[0] != "object"],
        ]
    if shape == "object":
        candidates.sort(key=lambda pair: pair[0] not in ("array", "string"))
    return [value for kind, value in candidates if kind not in accepted]


def _to_string(valid: JSON) -> str:
    """The value as a string; an object becomes the name of its type, which some servers accept as a shorthand."""
    if is_object(valid) and isinstance(valid.get("type"), str):
        return str(valid["type"])
    if isinstance(valid, bool):
        return "true"
    return str(valid) if isinstance(valid, (int, float)) else "sample"


def _union_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    discriminator = discriminator_of(schema)
    if discriminator is None:
        return
    member, _ = discriminator
    samples = [sample for branch in schema["oneOf"] if (sample := _sample_of_branch(branch, sampler)) is not None]
    for valid in samples[:1]:
        unknown = _outside_enum(schema)[0]
        # Completed as another place allows it, it is not refused for what it lacks.
        mistaken = unknown if is_object(unknown) else {**valid, member: unknown}
        yield InvalidValue(f"{at}.{member}.enum", "enum", valid, mistaken, (member,))
        yield InvalidValue(f"{at}.{member}.required", "required", valid, _without(valid, member), (member,))
        yield InvalidValue(f"{at}.{member}.enum", "enum", valid, {**valid, member: 5}, (member,))
    for number, valid in enumerate(samples[1:], start=1):
        # Frameworks that give the discriminator of one branch a default value accept objects of this branch without it.
        without = _without(valid, member)
        if without not in [_without(sample, member) for sample in samples[:number]]:
            yield InvalidValue(f"{at}.{member}.required", "required", valid, without, (member,), common_mistake=True)


def _sample_of_branch(branch: Schema, sampler: Sampler) -> Mapping[str, JSON] | None:
    """A valid object of a union's branch; None if the branch allows none, or needs an object that is not supplied."""
    if "properties" not in branch:
        return None
    try:
        valid = sampler.value(branch)
    except MissingResource:
        return None
    return valid if is_object(valid) else None


def _scalar_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    valid = sampler.value(schema)
    if "enum" in schema:
        name = next((value for value in schema["enum"] if isinstance(value, str)), None)
        for invalid in _outside_enum(schema):
            yield InvalidValue(f"{at}.enum", "enum", valid, invalid)
        if name and name.upper() not in schema["enum"]:
            yield InvalidValue(f"{at}.enum", "enum", valid, name.upper())
        if "" not in schema["enum"]:
            yield InvalidValue(f"{at}.enum", "enum", valid, "")
    is_integer = "number" not in allowed_types(schema)
    if "minimum" in schema:
        low = schema["minimum"]
        yield InvalidValue(f"{at}.minimum", "minimum", low, low - (1 if is_integer else _NUMBER_STEP))
        if is_integer and low > 1:
            yield InvalidValue(f"{at}.minimum", "minimum", low, 0)
        if is_integer and low > 0:
            yield InvalidValue(f"{at}.minimum", "minimum", low, -1)
    if "maximum" in schema:
        high = schema["maximum"]
        yield InvalidValue(f"{at}.maximum", "maximum", high, high + (1 if is_integer else _NUMBER_STEP))
    if "minLength" in schema and schema["minLength"] > 0:
        low = schema["minLength"]
        yield InvalidValue(f"{at}.minLength", "minLength", "x" * low, "x" * (low - 1))
    if "maxLength" in schema:
        high = schema["maxLength"]
        yield InvalidValue(f"{at}.maxLength", "maxLength", "x" * high, "x" * (high + 1))
    if "pattern" in schema and isinstance(valid, str):
        for character in (" ", ".", "é", "/"):
            invalid = f"{valid[:3]}{character}{valid[3:]}"
            if not re.search(schema["pattern"], invalid):
                yield InvalidValue(f"{at}.pattern", "pattern", valid, invalid)


def _outside_enum(schema: Schema) -> list[JSON]:
    """Values outside the enum, first those that servers are known to accept by mistake.

    For the discriminator of a union these may be whole objects.
    """
    return [*schema.get("x-common-mistake", ()), _UNEXPECTED]


def _array_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    if schema.get("minItems", 0) > 0:
        low = schema["minItems"]
        valid = sampler.distinct_items(schema["items"], low)
        yield InvalidValue(f"{at}.minItems", "minItems", valid, valid[:-1])
    if schema.get("maxItems", MAX_ITEMS + 1) <= MAX_ITEMS:
        too_long = sampler.distinct_items(schema["items"], schema["maxItems"] + 1)
        yield InvalidValue(f"{at}.maxItems", "maxItems", too_long[:-1], too_long)


def _object_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    if "object" not in allowed_types(schema) or "oneOf" in schema:
        return
    properties = schema.get("properties", {})
    for member in schema.get("required", ()):
        if member in properties and "x-at" in properties[member]:
            valid = next(sampler.smallest_objects(schema, member=member))
            yield InvalidValue(f"{at}.{member}.required", "required", valid, _without(valid, member), (member,))
    for member, sub in properties.items():
        if "x-atMostHalfOf" in sub:
            valid = next(sampler.smallest_objects(schema, member=member))
            half = valid[sub["x-atMostHalfOf"]] // 2  # type: ignore[operator]
            bound = {**valid, member: half}
            yield InvalidValue(f"{sub['x-at']}.maximum", "maximum", bound, {**valid, member: half + 1}, (member,))
    if schema.get("additionalProperties") is False:
        valid = next(sampler.smallest_objects(schema))
        yield InvalidValue(
            f"{at}.additionalProperties",
            "additionalProperties",
            valid,
            {**valid, _UNEXPECTED: "sample"},
            (_UNEXPECTED,),
        )
        for unknown in filter(is_object, schema.get("x-common-mistake", ())):
            constraint, mutated = f"{at}.additionalProperties", {**valid, **unknown}
            path = tuple(unknown)
            yield InvalidValue(constraint, "additionalProperties", valid, mutated, path, common_mistake=True)
    if "not" in schema:
        excluded: list[str] = schema["not"]["required"]
        second = {excluded[-1]: sampler.distinct_items(properties[excluded[-1]]["items"], 1)}
        first = {excluded[0]: sampler.distinct_items(properties[excluded[0]]["items"], 1)}
        yield InvalidValue(f"{at}.not", "not", second, {**first, **second})


def _map_violations(schema: Schema, at: str, sampler: Sampler) -> Iterator[InvalidValue]:
    rest = schema.get("additionalProperties")
    if not isinstance(rest, dict):
        return
    filler = sampler.value(rest)
    if "maxProperties" in schema:
        full: dict[str, JSON] = dict.fromkeys(key_names(schema), filler)
        yield InvalidValue(f"{at}.maxProperties", "maxProperties", full, {**full, "one_more": filler})
    longest = schema.get("propertyNames", {}).get("maxLength")
    if longest is not None:
        key = "k" * (longest + 1)
        yield InvalidValue(f"{at}.propertyNames.maxLength", "maxLength", {}, {key: filler}, (key,))


def _without(value: Mapping[str, Any], member: str) -> dict[str, JSON]:
    return {name: inner for name, inner in value.items() if name != member}
