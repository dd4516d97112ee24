"""Random JSON Schemas, as used for the parameters of functions and for response formats."""

from __future__ import annotations

from random import Random

from runs_conformance.model.json import JSON

_NAMES = ("city", "unit", "when", "query", "items", "name_2", "limit", "opts", "z", "nested.name")
_DEPTH = 3


def random_json_schema(random: Random) -> dict[str, JSON]:
    """A random JSON Schema of an object: nested, closed, or without any further keyword."""
    if random.random() < 0.15:
        return {"type": "object"}
    return _object(random, _DEPTH)


def _object(random: Random, depth: int) -> dict[str, JSON]:
    names = random.sample(_NAMES, random.choice((0, 1, 1, 2, 3, 6)))
    schema: dict[str, JSON] = {"type": "object", "properties": {name: _place(random, depth - 1) for name in names}}
    if random.random() < 0.6:
        schema["required"] = [name for name in names if random.random() < 0.7]
    if random.random() < 0.4:
        schema["additionalProperties"] = random.random() < 0.2
    return schema


def _place(random: Random, depth: int) -> JSON:
    form = random.choice(("string", "integer", "number", "boolean", "enum", "nullable", "array", "object", "anyOf"))
    schema: dict[str, JSON]
    match form:
        case "enum":
            schema = {"type": "string", "enum": random.sample(("celsius", "fahrenheit", "kelvin", ""), 2)}
        case "nullable":
            schema = {"type": ["string", "null"]}
        case "array" if depth > 0:
            schema = {"type": "array", "items": _place(random, depth - 1)}
        case "object" if depth > 0:
            schema = _object(random, depth)
        case "anyOf" if depth > 0:
            schema = {"anyOf": [_place(random, depth - 1), {"type": "null"}]}
        case "integer":
            schema = {"type": "integer", "minimum": 0}
        case "string" | "number" | "boolean":
            schema = {"type": form}
        case _:
            schema = {"type": "string"}
    if random.random() < 0.3:
        schema["description"] = random.choice(("What it is.", "°C, or „°F“", ""))
    return schema
