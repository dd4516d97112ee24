"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_names(name: str, names: Iterable[str], count: int = 3, cutoff: float = 0.5) -> list[str]:
    """At most `count` of the names that resemble `name`, the most similar first.

    `cutoff` is the least similarity, from 0 to 1.
    """
    return difflib.get_close_matches(name, list(names), n=count, cutoff=cutoff)


def sort_by_similarity(name: str, names: Iterable[str]) -> list[str]:
    """All names, the most similar to `name` first."""
    similarity = {each: difflib.SequenceMatcher(None, name, each).ratio() for each in names}
    return sorted(similarity, key=lambda each: -similarity[each])


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean ...?` with the names that resemble `name` or contain it, or an empty string."""
    known = list(names)
    close = nearest_names(name, known) or [each for each in known if name.lower() in each.lower()][:3]
    return f"; did you mean {' or '.join(close)}?" if close else ""
