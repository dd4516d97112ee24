"""Checks of the types in JSON that is read from a file. Each raises TypeError, which names the member."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from runs_conformance.model.json import JSON, Absent, is_array, is_object


def require_text(value: JSON | Absent, name: str) -> str:
    """The value, if it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a string")
    return value


def require_optional_text(value: JSON | Absent, name: str) -> str | None:
    """The value, if it is a string or null."""
    return None if value is None else require_text(value, name)


def require_boolean(value: JSON | Absent, name: str) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is not a boolean")
    return value


def require_number(value: JSON | Absent, name: str) -> float:
    """The value, if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{name} is not a number")
    return value


def require_integer(value: JSON | Absent, name: str) -> int:
    """The value, if it is an integer of at most 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > 63:
        raise TypeError(f"{name} is not an integer")
    return value


def require_object(value: JSON | Absent, name: str) -> Mapping[str, JSON]:
    """The value, if it is an object."""
    if not is_object(value):
        raise TypeError(f"{name} is not an object")
    return value


def require_array(value: JSON | Absent, name: str) -> Sequence[JSON]:
    """The value, if it is an array."""
    if not is_array(value):
        raise TypeError(f"{name} is not an array")
    return value


def require_texts(value: JSON | Absent, name: str) -> tuple[str, ...]:
    """The value, if it is an array of texts."""
    return tuple(require_text(item, name) for item in require_array(value, name))


def require_text_members(value: JSON | Absent, name: str) -> dict[str, str]:
    """The value, if it is an object whose members are texts."""
    return {key: require_text(member, f"{name}.{key}") for key, member in require_object(value, name).items()}
