"""Lists of names in titles and fixes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def list_names(names: Sequence[str], limit: int = 3, noun: str = "more") -> str:
    """The names with commas, at most `limit` of them, and how many more there are."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} {noun}" if len(names) > limit else shown


def as_code(names: Iterable[str]) -> list[str]:
    """The names in backticks, each once."""
    return [f"`{name}`" for name in dict.fromkeys(names)]
