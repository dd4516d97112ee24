"""Values that print only how long they are, for a library that prints a value in the message of every error."""

from __future__ import annotations

from typing import Any

MAX_PLAIN = 100
"""Number of characters or entries up to which a value prints itself."""


class _LongText(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} characters)"


class _LongArray(list[Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} items)"


class _LargeObject(dict[str, Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} members)"


def with_short_repr(value: Any) -> Any:
    """The value, equal to the original, in which long texts, arrays and objects print only how long they are."""
    if isinstance(value, str):
        return _LongText(value) if len(value) > MAX_PLAIN else value
    if isinstance(value, dict):
        members = {_short_name(name): with_short_repr(member) for name, member in value.items()}
        return _LargeObject(members) if len(members) > MAX_PLAIN else members
    if isinstance(value, (list, tuple)):
        items = [with_short_repr(item) for item in value]
        return _LongArray(items) if len(items) > MAX_PLAIN else items
    return value


def _short_name(name: str) -> str:
    return _LongText(name) if len(name) > MAX_PLAIN else name
