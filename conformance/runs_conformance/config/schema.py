"""The JSON Schema of `conformance.toml`, by which editors complete and check it."""

from __future__ import annotations

from typing import Any

from runs_conformance.config.key import KEYS, SECTIONS, Form, Key
from runs_conformance.model.json import JSON

_TEXT: dict[str, JSON] = {"type": "string", "minLength": 1}
_PLACE: dict[str, JSON] = {"type": "string", "pattern": "^(env:|@)."}
_LENGTH = "^[0-9]+(\\.[0-9]+)? ?[smh]?$"


def document() -> dict[str, JSON]:
    """The schema, made from the keys."""
    properties: dict[str, Any] = {}
    for section, about in SECTIONS.items():
        properties[section] = {
            "description": about,
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: _of(key) for key in KEYS.values() if key.section == section},
        }
    top = {key.name: _of(key) for key in KEYS.values() if not key.section}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://runs-conformance.invalid/conformance-toml.schema.json",
        "title": "conformance.toml",
        "description": "Made from conformance/runs_conformance/config/key.py by `python -m runs_conformance.docgen`.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**top, **properties},
    }


def _of(key: Key) -> dict[str, Any]:
    return {"description": f"{key.about} Flag: {key.flag}.", **_shape(key), "examples": [key.example]}


def _shape(key: Key) -> dict[str, Any]:
    names: dict[str, JSON] = {"enum": list(key.names)} if key.names else {}
    match key.form:
        case Form.TEXT:
            return {**_TEXT, **names}
        case Form.PATH:
            return dict(_TEXT)
        case Form.SECRET:
            return dict(_PLACE)
        case Form.SWITCH:
            return {"type": "boolean"}
        case Form.TEXTS:
            return {"type": "array", "items": {**_TEXT, **names}}
        case Form.WHOLE:
            return {"type": "integer", **_bounds(key)}
        case Form.TIME:
            return {"anyOf": [{"type": "number", **_bounds(key)}, {"type": "string", "pattern": _LENGTH}]}
        case Form.TABLE | Form.SWITCHES:
            member: dict[str, JSON] = {"type": "boolean"} if key.form is Form.SWITCHES else dict(_TEXT)
            return {"type": "object", "additionalProperties": member} | ({"propertyNames": names} if names else {})


def _bounds(key: Key) -> dict[str, JSON]:
    bounds: dict[str, JSON] = {}
    if key.least is not None:
        bounds["minimum"] = key.least
    if key.most is not None:
        bounds["maximum"] = key.most
    return bounds
