"""Generates the JSON Schema of `conformance.toml`, for completion and validation in editors."""

from __future__ import annotations

from typing import Any

from runs_conformance.config.key import KEYS, SECTIONS, ConfigKey, ValueType
from runs_conformance.model.json import JSON

_STRING: dict[str, JSON] = {"type": "string", "minLength": 1}
_SECRET_REFERENCE: dict[str, JSON] = {"type": "string", "pattern": "^(env:|@)."}
_DURATION_PATTERN = "^[0-9]+(\\.[0-9]+)? ?[smh]?$"


def build_schema() -> dict[str, JSON]:
    """Generate the schema from the keys."""
    properties: dict[str, Any] = {}
    for section, description in SECTIONS.items():
        properties[section] = {
            "description": description,
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: _of(key) for key in KEYS.values() if key.section == section},
        }
    top = {key.name: _of(key) for key in KEYS.values() if not key.section}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://runs-conformance.invalid/conformance-toml.schema.json",
        "title": "conformance.toml",
        "description": "Generated from runs_conformance/config/key.py by `python -m runs_conformance.docgen`.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**top, **properties},
    }


def _of(key: ConfigKey) -> dict[str, Any]:
    return {"description": f"{key.description} {_equivalent(key)}.", **_shape(key), "examples": [key.example]}


def _equivalent(key: ConfigKey) -> str:
    """The flags or the argument of the command that set the same."""
    if key.type is ValueType.BOOLEAN_TABLE:
        return f"Flags: {key.flag}, --no-{key.flag.removeprefix('--')}"
    return f"Flag: {key.flag}" if key.flag.startswith("--") else f"Argument: {key.flag}"


def _shape(key: ConfigKey) -> dict[str, Any]:
    names: dict[str, JSON] = {"enum": list(key.allowed)} if key.allowed else {}
    match key.type:
        case ValueType.TEXT:
            return {**_STRING, **names}
        case ValueType.PATH:
            return dict(_STRING)
        case ValueType.SECRET:
            return dict(_SECRET_REFERENCE)
        case ValueType.BOOLEAN:
            return {"type": "boolean"}
        case ValueType.TEXT_LIST:
            return {"type": "array", "items": {**_STRING, **names}}
        case ValueType.INTEGER:
            return {"type": "integer", **_bounds(key)}
        case ValueType.DURATION:
            return {"anyOf": [{"type": "number", **_bounds(key)}, {"type": "string", "pattern": _DURATION_PATTERN}]}
        case ValueType.TEXT_TABLE | ValueType.BOOLEAN_TABLE:
            member: dict[str, JSON] = {"type": "boolean"} if key.type is ValueType.BOOLEAN_TABLE else dict(_STRING)
            return {"type": "object", "additionalProperties": member} | ({"propertyNames": names} if names else {})


def _bounds(key: ConfigKey) -> dict[str, JSON]:
    bounds: dict[str, JSON] = {}
    if key.minimum is not None:
        bounds["minimum"] = key.minimum
    if key.maximum is not None:
        bounds["maximum"] = key.maximum
    return bounds
