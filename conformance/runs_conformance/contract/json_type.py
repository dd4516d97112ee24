"""The JSON types of values and of places."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.contract.schema import Schema

_KINDS = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}


def kind_of(value: object) -> str:
    """The JSON type of a parsed value; `integer` for every number without a fraction."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    if isinstance(value, Mapping):
        return "object"
    return next((kind for base, kind in _KINDS.items() if isinstance(value, base)), "array")


def types_of(schema: Schema) -> list[str]:
    """The JSON types that a place allows, over all branches of a union."""
    if "oneOf" in schema:
        return sorted({kind for branch in schema["oneOf"] for kind in types_of(branch)})
    wanted = schema.get("type", [])
    return [wanted] if isinstance(wanted, str) else list(wanted)


def discriminator_of(schema: Schema) -> tuple[str, tuple[str, ...]] | None:
    """The member that tells a union's object branches apart and its values; None where one does not."""
    member = schema.get("x-discriminator")
    shaped = [branch for branch in schema.get("oneOf", ()) if "properties" in branch]
    if not member or not shaped or any("const" not in branch["properties"].get(member, {}) for branch in shaped):
        return None
    return member, tuple(branch["properties"][member]["const"] for branch in shaped)
