"""Legal values: for each keyword at a place the values at its very edge, and one of every kind that it allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import discriminator_of, types_of
from runs_conformance.generation.boundary.invalid_values import MOST_ITEMS
from runs_conformance.generation.boundary.place import Place
from runs_conformance.generation.boundary.sample import Lacking, Sampler, available, key_names
from runs_conformance.model.json import JSON


@dataclass(frozen=True, slots=True)
class Edge:
    """One legal value of a place that a server with an off bound or a narrow type refuses. `further` ones are no edge
    of a bound, and are sent only where another body has room for them.
    """

    constraint: str
    value: JSON
    further: bool = False


def edges(place: Place, sampler: Sampler) -> Iterator[Edge]:
    """The legal edges of a place that can be made, those of its type first."""
    schema, at = place.schema, place.at
    if not types_of(schema):
        return
    if not place.branch:
        yield from available(_of_type(schema, at, sampler))
    if "oneOf" in schema:
        return
    if "enum" in schema and not place.choice:
        yield from (Edge(f"{at}.enum", value) for value in schema["enum"] if value is not None)
    for keyword in ("minimum", "maximum"):
        if keyword in schema:
            yield Edge(f"{at}.{keyword}", schema[keyword])
    yield from _of_text(schema, at)
    if choice := sampler.choice(schema):
        yield from available(Edge(f"{at}.{choice}.enum", value) for value in sampler.objects(schema))
    yield from available(_of_array(schema, at, sampler))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from available(_of_map(schema, at, sampler))


def _of_type(schema: Schema, at: str, sampler: Sampler) -> Iterator[Edge]:
    if "oneOf" in schema:
        told_apart = discriminator_of(schema)
        for branch in schema["oneOf"]:
            named = told_apart is not None and "properties" in branch
            if not named and _shown_by_members(branch):
                continue
            try:
                value = sampler.value(branch)
            except Lacking:
                continue
            # One whose kind has a name is a choice among these names, whatever else it holds.
            yield Edge(f"{at}.{told_apart[0]}.enum" if named and told_apart else f"{at}.type", value)
        return
    kinds = types_of(schema)
    if "null" in kinds:
        yield Edge(f"{at}.type", None)
    if "boolean" in kinds:
        yield Edge(f"{at}.type", True)
    if not schema.keys() & {"minimum", "maximum", "maxLength"} and not _shown_by_members(schema):
        sample = sampler.value(schema)
        yield Edge(f"{at}.type", sample, further=sample in ({}, False))
    if "object" in kinds and schema.get("properties") and not schema.get("required"):
        yield Edge(f"{at}.type", {}, further=True)
    if "string" in kinds and not {"enum", "minLength", "format", "x-references"} & schema.keys():
        yield Edge(f"{at}.type", "", further=True)
    if "number" in kinds and "minimum" in schema and "maximum" in schema:
        yield Edge(f"{at}.type", schema["minimum"] + (schema["maximum"] - schema["minimum"]) / 4)


def _shown_by_members(schema: Schema) -> bool:
    """Whether every edge of some member shows the object that it is in, too."""
    return any("x-at" in schema["properties"][name] for name in schema.get("required", ()) if "properties" in schema)


def _of_text(schema: Schema, at: str) -> Iterator[Edge]:
    if schema.get("minLength", 0) > 0:
        yield Edge(f"{at}.minLength", "x" * schema["minLength"])
    if "maxLength" in schema:
        yield Edge(f"{at}.maxLength", "x" * schema["maxLength"])
        if "pattern" not in schema and schema["maxLength"] <= MOST_ITEMS:
            # Characters are counted, not bytes.
            yield Edge(f"{at}.maxLength", "é" * schema["maxLength"], further=True)
    if "pattern" in schema:
        yield Edge(f"{at}.pattern", "Az_09-")


def _of_array(schema: Schema, at: str, sampler: Sampler) -> Iterator[Edge]:
    for keyword in ("minItems", "maxItems"):
        if 0 < schema.get(keyword, 0) <= MOST_ITEMS:
            yield Edge(f"{at}.{keyword}", sampler.several(schema["items"], schema[keyword]))


def _of_map(schema: Schema, at: str, sampler: Sampler) -> Iterator[Edge]:
    filler = sampler.value(schema["additionalProperties"])
    if "maxProperties" in schema:
        yield Edge(f"{at}.maxProperties", dict.fromkeys(key_names(schema), filler))
    longest = schema.get("propertyNames", {}).get("maxLength")
    if longest is not None:
        yield Edge(f"{at}.propertyNames.maxLength", {"k" * longest: filler})
