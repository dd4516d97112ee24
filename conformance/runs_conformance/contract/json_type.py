"""JSON types: the type of a value, and the types that a schema allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runs_conformance.contract.schema import Schema

_JSON_TYPES = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}
JSON_TYPES = frozenset({*_JSON_TYPES.values(), "number"})
"""The results of `json_type_of`."""

_PHRASES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
}


def describe_types(json_types: Sequence[str]) -> str:
    """The names of types with articles: `a string or null`."""
    phrases = [_PHRASES.get(json_type, json_type) for json_type in json_types]
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def json_type_of(value: object) -> str:
    """The JSON type of a parsed value; `integer` for every number without a fraction."""
    json_type = _JSON_TYPES.get(type(value))
    if json_type is not None:
        return json_type
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    if isinstance(value, Mapping):
        return "object"
    return next((json_type for base, json_type in _JSON_TYPES.items() if isinstance(value, base)), "array")


def allowed_types(schema: Schema) -> list[str]:
    """The JSON types that a schema names, over all branches of a union; empty if it names none."""
    if "oneOf" in schema:
        return sorted({json_type for branch in schema["oneOf"] for json_type in allowed_types(branch)})
    stated = schema.get("type", [])
    return [stated] if isinstance(stated, str) else list(stated)


def accepted_types(schema: Schema) -> frozenset[str]:
    """The results of `json_type_of` that a schema accepts: a schema that allows `number` accepts integers too."""
    types = frozenset(allowed_types(schema))
    return types | {"integer"} if "number" in types else types


def discriminator_of(schema: Schema) -> tuple[str, tuple[str, ...]] | None:
    """The member that distinguishes a union's object branches, and its values in their order; None without one."""
    member = schema.get("x-discriminator")
    objects = [branch for branch in schema.get("oneOf", ()) if "properties" in branch]
    if not member or not objects or any("const" not in branch["properties"].get(member, {}) for branch in objects):
        return None
    return member, tuple(branch["properties"][member]["const"] for branch in objects)
