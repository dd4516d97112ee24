"""Counts with a noun in the right number."""

from __future__ import annotations


def plural(count: int, noun: str, many: str = "") -> str:
    """A count and its noun: `1 entry`, `2 entries`. `many` is the plural unless it is the noun with an `s`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
