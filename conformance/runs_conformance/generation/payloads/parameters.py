"""Random JSON Schemas, as functions take them for their parameters and response formats for their answers."""

from __future__ import annotations

from random import Random

from runs_conformance.model.json import JSON

_NAMES = ("city", "unit", "when", "query", "items", "name_2", "limit", "opts", "z", "nested.name")
_DEPTH = 3


def parameters(random: Random) -> dict[str, JSON]:
    """A JSON Schema whose root is an object; some are nested, some are closed, some say nothing more."""
    if random.random() < 0.15:
        return {"type": "object"}
    return _object(random, _DEPTH)


def _object(random: Random, depth: int) -> dict[str, JSON]:
    names = random.sample(_NAMES, random.choice((0, 1, 1, 2, 3, 6)))
    made: dict[str, JSON] = {"type": "object", "properties": {name: _place(random, depth - 1) for name in names}}
    if random.random() < 0.6:
        made["required"] = [name for name in names if random.random() < 0.7]
    if random.random() < 0.4:
        made["additionalProperties"] = random.random() < 0.2
    return made


def _place(random: Random, depth: int) -> JSON:
    kind = random.choice(("string", "integer", "number", "boolean", "enum", "nullable", "array", "object", "anyOf"))
    made: dict[str, JSON]
    match kind:
        case "enum":
            made = {"type": "string", "enum": random.sample(("celsius", "fahrenheit", "kelvin", ""), 2)}
        case "nullable":
            made = {"type": ["string", "null"]}
        case "array" if depth > 0:
            made = {"type": "array", "items": _place(random, depth - 1)}
        case "object" if depth > 0:
            made = _object(random, depth)
        case "anyOf" if depth > 0:
            made = {"anyOf": [_place(random, depth - 1), {"type": "null"}]}
        case "integer":
            made = {"type": "integer", "minimum": 0}
        case "string" | "number" | "boolean":
            made = {"type": kind}
        case _:
            made = {"type": "string"}
    if random.random() < 0.3:
        made["description"] = random.choice(("What it is.", "°C, or „°F“", ""))
    return made
