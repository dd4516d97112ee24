"""Checks names and suggests the nearest ones for a typo."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from runs_conformance.contract.edition import EDITIONS, is_edition
from runs_conformance.errors import UsageError

_MAX_LISTED = 20
"""Maximum number of names listed in one line."""


def parse_edition(name: str) -> str:
    """Return a valid edition. Raises UsageError for any other text."""
    if is_edition(name):
        return name
    raise UsageError(f"--edition {name!r} is not one of {', '.join(EDITIONS)} (or another date since {EDITIONS[0]})")


def require_known(name: str, names: Iterable[str], what: str) -> str:
    """Return a name that is among `names`. Raises UsageError, with the nearest ones, and all if there are few."""
    known = list(names)
    if name in known:
        return name
    raise UsageError(f"there is no {what} {name!r}{_hint(name, known)}")


def _hint(name: str, names: list[str]) -> str:
    close = did_you_mean(name, names)
    if len(names) > _MAX_LISTED:
        return close
    similarity = {each: difflib.SequenceMatcher(None, name, each).ratio() for each in names}
    return f"{close or ';'} there are {', '.join(sorted(names, key=lambda each: -similarity[each]))}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the nearest names, or an empty text."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if not close:
        close = [each for each in known if name.lower() in each.lower()][:3]
    return f"; did you mean {' or '.join(close)}?" if close else ""
