"""Deduplication: which unusual values one operation may leave to another, since both state the place identically."""

from __future__ import annotations

import json
from typing import Any

from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.invalid_values import InvalidValue
from runs_conformance.generation.boundary.place import Place
from runs_conformance.model.json import JSON

_canonical_schemas: dict[int, tuple[Schema, str]] = {}
"""The canonical text of each schema by the schema's `id()`. Keeping the schema alive beside it keeps the id unique."""

DeduplicationKey = tuple[str, str, str, str]
"""A violation without its operation: the place's name and schema, the keyword and the value."""

NULL_DEPTH = 2
"""Down to this depth null is sent to every operation, since careless clients send it there."""


def can_be_covered_elsewhere(place: Place, violation: InvalidValue) -> bool:
    """Whether one operation may stand in for all that state a place identically, unless this is its nearest violation.

    Values that are easily mistaken for a number or boolean are not shared: each operation parses its own. Neither are
    missing members: each operation has its own model of the object, with its own defaults.
    """
    if violation.invalid is None:
        return len(place.path) > NULL_DEPTH
    if violation.keyword == "type" and isinstance(violation.valid, (int, float)):
        return isinstance(violation.invalid, (dict, list))
    return violation.keyword != "required"


def deduplication_key(place: Place, violation: InvalidValue) -> DeduplicationKey:
    """The parts of a violation that are equal in all operations that state the place identically."""
    name = str(place.path[-1]) if place.path else ""
    return name, _canonical_schema(place.schema), violation.keyword, _canonical(violation.invalid)


def _canonical_schema(schema: Schema) -> str:
    cached = _canonical_schemas.get(id(schema))
    if cached is None or cached[0] is not schema:
        cached = _canonical_schemas[id(schema)] = (schema, _canonical(_strip_annotations(schema)))
    return cached[1]


def _strip_annotations(schema: Any) -> Any:
    """The schema without the annotations of its position and its source."""
    if isinstance(schema, dict):
        return {
            key: _strip_annotations(value)
            for key, value in schema.items()
            if not key.startswith("x-") or key == "x-implementation-defined"
        }
    return [_strip_annotations(item) for item in schema] if isinstance(schema, list) else schema


def _canonical(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)
