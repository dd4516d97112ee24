"""Illegal values: for each keyword at a place the nearest values that break it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.json_type import kind_of
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import discriminator_of, types_of
from runs_conformance.generation.boundary.place import Path, Place
from runs_conformance.generation.boundary.sample import Lacking, Sampler, available, key_names
from runs_conformance.model.json import JSON, is_object

MOST_ITEMS = 1000
"""Longer lists are not sent."""

_UNKNOWN = "unexpected"
_BEYOND = 0.01
"""The step over a bound on a number."""


@dataclass(frozen=True, slots=True)
class Break:
    """One way to break one keyword at a place: the value that the place had, and the one that it gets.

    `path` leads from the place to what is mutated, where that is a member of it. `tempting` says that servers are known
    to take it by mistake.
    """

    constraint: str
    keyword: str
    good: JSON
    bad: JSON
    path: Path = ()
    tempting: bool = False


def breaks(place: Place, sampler: Sampler) -> Iterator[Break]:
    """Every break of a place's own keywords that can be made, the nearest of each keyword first."""
    schema, at = place.schema, place.at
    if not place.branch and types_of(schema):
        yield from available(_of_type(schema, at, sampler))
    yield from _of_union(schema, at, sampler)
    yield from available(_of_scalar(schema, at, sampler))
    yield from available(_of_array(schema, at, sampler))
    yield from available(_of_object(schema, at, sampler))
    yield from available(_of_map(schema, at, sampler))


def _of_type(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    good = sampler.value(schema)
    one = next(available(sampler.value(items) for items in (schema.get("items"),) if items), None)
    allowed = types_of(schema)
    first, *others = wrong_types(allowed, good, one)
    tempting = [value for value in schema.get("x-tempting", ()) if kind_of(value) not in allowed]
    for bad in (first, *tempting, *others):
        yield Break(f"{at}.type", "type", good, bad, tempting=bad in tempting)


def wrong_types(allowed: list[str], good: JSON, one: JSON = None) -> list[JSON]:
    """Values of JSON types that are not allowed, those first that a careless server takes for the right one.

    `one` is a legal item of the list that is wanted, if one is: alone, it is no list.
    """
    wanted = set(allowed) | ({"integer"} if "number" in allowed else set())
    shaped = "array" if "array" in wanted else "object" if "object" in wanted else "scalar"
    found: list[tuple[str, JSON]] = []
    if "string" not in wanted:
        found.append(("string", _as_text(good)))
    if "integer" not in wanted:
        found.append(("integer", 1 if "boolean" in wanted else 5))
    elif "number" not in wanted:
        found.insert(1, ("number", (good if isinstance(good, int) else 1) + 0.5))
    found += [("null", None), ("boolean", True), ("object", {}), ("array", [good] if shaped == "scalar" else [])]
    if shaped == "array":
        bare = one if is_object(one) else good[0] if isinstance(good, list) and good else {}
        found = [("object", bare if is_object(bare) else {}), *[pair for pair in found if pair[0] != "object"]]
    if shaped == "object":
        found.sort(key=lambda pair: pair[0] not in ("array", "string"))
    return [value for kind, value in found if kind not in wanted]


def _as_text(good: JSON) -> str:
    """A text that stands for a value: of an object, the name of its type, which some servers take for the whole."""
    if is_object(good) and isinstance(good.get("type"), str):
        return str(good["type"])
    if isinstance(good, bool):
        return "true"
    return str(good) if isinstance(good, (int, float)) else "sample"


def _of_union(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    told_apart = discriminator_of(schema)
    if told_apart is None:
        return
    member, _ = told_apart
    for branch in schema["oneOf"]:
        if "properties" not in branch:
            continue
        try:
            good = sampler.value(branch)
        except Lacking:
            continue
        if not is_object(good):
            continue
        yield Break(f"{at}.{member}.enum", "enum", good, {**good, member: _tempting(schema)[0]}, (member,))
        yield Break(f"{at}.{member}.required", "required", good, _without(good, member), (member,))
        yield Break(f"{at}.{member}.enum", "enum", good, {**good, member: 5}, (member,))
        return


def _of_scalar(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    good = sampler.value(schema)
    if "enum" in schema:
        named = next((value for value in schema["enum"] if isinstance(value, str)), None)
        for bad in _tempting(schema):
            yield Break(f"{at}.enum", "enum", good, bad)
        if named and named.upper() not in schema["enum"]:
            yield Break(f"{at}.enum", "enum", good, named.upper())
        if "" not in schema["enum"]:
            yield Break(f"{at}.enum", "enum", good, "")
    whole = "number" not in types_of(schema)
    if "minimum" in schema:
        low = schema["minimum"]
        yield Break(f"{at}.minimum", "minimum", low, low - (1 if whole else _BEYOND))
        if whole and low > 1:
            yield Break(f"{at}.minimum", "minimum", low, 0)
        if whole and low > 0:
            yield Break(f"{at}.minimum", "minimum", low, -1)
    if "maximum" in schema:
        high = schema["maximum"]
        yield Break(f"{at}.maximum", "maximum", high, high + (1 if whole else _BEYOND))
    if "minLength" in schema and schema["minLength"] > 0:
        low = schema["minLength"]
        yield Break(f"{at}.minLength", "minLength", "x" * low, "x" * (low - 1))
    if "maxLength" in schema:
        high = schema["maxLength"]
        yield Break(f"{at}.maxLength", "maxLength", "x" * high, "x" * (high + 1))
    if "pattern" in schema and isinstance(good, str):
        for odd in (" ", ".", "é", "/"):
            bad = f"{good[:3]}{odd}{good[3:]}"
            if not re.search(schema["pattern"], bad):
                yield Break(f"{at}.pattern", "pattern", good, bad)


def _tempting(schema: Schema) -> list[str]:
    """Values that are none of a choice, those first that a server may take by mistake."""
    return [*schema.get("x-tempting", ()), _UNKNOWN]


def _of_array(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    if schema.get("minItems", 0) > 0:
        low = schema["minItems"]
        good = sampler.several(schema["items"], low)
        yield Break(f"{at}.minItems", "minItems", good, good[:-1])
    if schema.get("maxItems", MOST_ITEMS + 1) <= MOST_ITEMS:
        longer = sampler.several(schema["items"], schema["maxItems"] + 1)
        yield Break(f"{at}.maxItems", "maxItems", longer[:-1], longer)


def _of_object(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    if "object" not in types_of(schema) or "oneOf" in schema:
        return
    properties = schema.get("properties", {})
    for member in schema.get("required", ()):
        if member in properties and "x-at" in properties[member]:
            good = next(sampler.objects(schema, also=member))
            yield Break(f"{at}.{member}.required", "required", good, _without(good, member), (member,))
    for member, sub in properties.items():
        if "x-atMostHalfOf" in sub:
            good = next(sampler.objects(schema, also=member))
            half = good[sub["x-atMostHalfOf"]] // 2  # type: ignore[operator]
            bound = {**good, member: half}
            yield Break(f"{sub['x-at']}.maximum", "maximum", bound, {**good, member: half + 1}, (member,))
    if schema.get("additionalProperties") is False:
        good = next(sampler.objects(schema))
        yield Break(
            f"{at}.additionalProperties", "additionalProperties", good, {**good, _UNKNOWN: "sample"}, (_UNKNOWN,)
        )
    if "not" in schema:
        excluded: list[str] = schema["not"]["required"]
        one = {excluded[-1]: sampler.several(properties[excluded[-1]]["items"], 1)}
        other = {excluded[0]: sampler.several(properties[excluded[0]]["items"], 1)}
        yield Break(f"{at}.not", "not", one, {**other, **one})


def _of_map(schema: Schema, at: str, sampler: Sampler) -> Iterator[Break]:
    rest = schema.get("additionalProperties")
    if not isinstance(rest, dict):
        return
    filler = sampler.value(rest)
    if "maxProperties" in schema:
        full: dict[str, JSON] = dict.fromkeys(key_names(schema), filler)
        yield Break(f"{at}.maxProperties", "maxProperties", full, {**full, "one_more": filler})
    longest = schema.get("propertyNames", {}).get("maxLength")
    if longest is not None:
        key = "k" * (longest + 1)
        yield Break(f"{at}.propertyNames.maxLength", "maxLength", {}, {key: filler}, (key,))


def _without(value: Mapping[str, Any], member: str) -> dict[str, JSON]:
    return {name: inner for name, inner in value.items() if name != member}
