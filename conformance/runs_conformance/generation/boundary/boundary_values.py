"""Valid values: for each keyword at a place the values exactly at its bound, and one of each type that it allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.json_type import allowed_types, discriminator_of
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.invalid_values import MAX_ITEMS
from runs_conformance.generation.boundary.place import Place
from runs_conformance.generation.boundary.sample import MissingResource, Sampler, key_names, until_missing
from runs_conformance.model.json import JSON


@dataclass(frozen=True, slots=True)
class BoundaryValue:
    """A valid value of a place that a server with a wrong bound or too narrow a type refuses.

    `optional` values test no bound and are sent only if another body has room for them.
    """

    constraint: str
    value: JSON
    optional: bool = False


def boundary_values(place: Place, sampler: Sampler) -> Iterator[BoundaryValue]:
    """Yield the boundary values of a place that can be built, those of its type first."""
    schema, at = place.schema, place.at
    if not allowed_types(schema):
        return
    if not place.is_union_branch:
        yield from until_missing(_type_values(schema, at, sampler))
    if "oneOf" in schema:
        return
    if "enum" in schema and not place.is_discriminator:
        # Targets are most likely to know the default, where only one value may be sent.
        values = sorted(schema["enum"], key=lambda value: value != schema.get("default"))
        yield from (BoundaryValue(f"{at}.enum", value) for value in values if value is not None)
    for keyword in ("minimum", "maximum"):
        if keyword in schema:
            yield BoundaryValue(f"{at}.{keyword}", schema[keyword])
    yield from _string_values(schema, at)
    if member := sampler.discriminator(schema):
        yield from until_missing(
            BoundaryValue(f"{at}.{member}.enum", value) for value in sampler.smallest_objects(schema)
        )
    yield from until_missing(_array_values(schema, at, sampler))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from until_missing(_map_values(schema, at, sampler))


def _type_values(schema: Schema, at: str, sampler: Sampler) -> Iterator[BoundaryValue]:
    if "oneOf" in schema:
        discriminator = discriminator_of(schema)
        for branch in schema["oneOf"]:
            is_named = discriminator is not None and "properties" in branch
            if not is_named and _is_covered_by_members(branch):
                continue
            try:
                value = sampler.value(branch)
            except MissingResource:
                continue
            # A branch with a discriminator exercises the discriminator's enum, whatever else it holds.
            yield BoundaryValue(f"{at}.{discriminator[0]}.enum" if is_named and discriminator else f"{at}.type", value)
        return
    types = allowed_types(schema)
    if "null" in types:
        yield BoundaryValue(f"{at}.type", None)
    if "boolean" in types:
        yield BoundaryValue(f"{at}.type", True)
    if not schema.keys() & {"minimum", "maximum", "maxLength"} and not _is_covered_by_members(schema):
        sample = sampler.value(schema)
        yield BoundaryValue(f"{at}.type", sample, optional=sample in ({}, False))
    if "object" in types and schema.get("properties") and not schema.get("required"):
        yield BoundaryValue(f"{at}.type", {}, optional=True)
    if "string" in types and not {"enum", "minLength", "format", "x-references"} & schema.keys():
        yield BoundaryValue(f"{at}.type", "", optional=True)
    if "number" in types and "minimum" in schema and "maximum" in schema:
        yield BoundaryValue(f"{at}.type", schema["minimum"] + (schema["maximum"] - schema["minimum"]) / 4)


def _is_covered_by_members(schema: Schema) -> bool:
    """Whether the boundary values of a required member also exercise the object itself."""
    return any("x-at" in schema["properties"][name] for name in schema.get("required", ()) if "properties" in schema)


def _string_values(schema: Schema, at: str) -> Iterator[BoundaryValue]:
    if schema.get("minLength", 0) > 0:
        yield BoundaryValue(f"{at}.minLength", "x" * schema["minLength"])
    if "maxLength" in schema:
        longest = schema["maxLength"]
        yield BoundaryValue(f"{at}.maxLength", "x" * longest if "pattern" in schema else _longest_text(longest, "x"))
    if "pattern" in schema:
        yield BoundaryValue(f"{at}.pattern", "Az_09-")


def _longest_text(length: int, filler: str) -> str:
    """A text of `length` characters and one more byte: limits count characters, not bytes."""
    return "é" + filler * (length - 1)


def _array_values(schema: Schema, at: str, sampler: Sampler) -> Iterator[BoundaryValue]:
    for keyword in ("minItems", "maxItems"):
        if 0 < schema.get(keyword, 0) <= MAX_ITEMS:
            yield BoundaryValue(f"{at}.{keyword}", sampler.distinct_items(schema["items"], schema[keyword]))


def _map_values(schema: Schema, at: str, sampler: Sampler) -> Iterator[BoundaryValue]:
    filler = sampler.value(schema["additionalProperties"])
    if "maxProperties" in schema:
        yield BoundaryValue(f"{at}.maxProperties", dict.fromkeys(key_names(schema), filler))
    longest = schema.get("propertyNames", {}).get("maxLength")
    if longest is not None:
        yield BoundaryValue(f"{at}.propertyNames.maxLength", {_longest_text(longest, "k"): filler})
