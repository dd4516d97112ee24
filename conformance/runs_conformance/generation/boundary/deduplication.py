"""Kinship: which odd values one operation may leave to another, because the contract states their places alike."""

from __future__ import annotations

import json
from typing import Any

from runs_conformance.generation.boundary.invalid_values import Break
from runs_conformance.generation.boundary.place import Place
from runs_conformance.model.json import JSON

Kin = tuple[str, str, str, str]
"""A break as far as it says nothing of the operation: the place's name and schema, the keyword, the value."""

EVERYWHERE = 1
"""No deeper than this, null is sent to every operation: that is where careless clients send it."""


def shared(place: Place, each: Break) -> bool:
    """Whether one operation may stand for all that state a place alike, where this is not the nearest break of it.

    What is easily taken for a number or a truth value never is: each operation reads its own.
    """
    if each.keyword == "type" and isinstance(each.good, (int, float)):
        return False
    return not (each.bad is None and len(place.path) <= EVERYWHERE)


def kin(place: Place, each: Break) -> Kin:
    """What a break has in common with the same one elsewhere."""
    name = str(place.path[-1]) if place.path else ""
    return name, _text(_stripped(place.schema)), each.keyword, _text(each.bad)


def _stripped(schema: Any) -> Any:
    """The schema without what says where it is and where it comes from."""
    if isinstance(schema, dict):
        return {key: _stripped(value) for key, value in schema.items() if not key.startswith("x-") or key == "x-either"}
    return [_stripped(item) for item in schema] if isinstance(schema, list) else schema


def _text(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)
