"""Names that a user gives for what is known, and the nearest ones where there is no such name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from runs_conformance.contract.edition import EDITIONS, is_edition
from runs_conformance.errors import UsageError

_FEW = 20
"""So many names are told in one line."""


def edition(given: str) -> str:
    """The edition that was asked for. Raises UsageError where it is none."""
    if is_edition(given):
        return given
    raise UsageError(f"--edition {given!r} is not one of {', '.join(EDITIONS)} (or another date since {EDITIONS[0]})")


def known(given: str, names: Iterable[str], what: str) -> str:
    """The name that was given. Raises UsageError where it is not among `names`, with the nearest, and all if few."""
    every = list(names)
    if given in every:
        return given
    raise UsageError(f"there is no {what} {given!r}{_hint(given, every)}")


def _hint(given: str, names: list[str]) -> str:
    close = nearest(given, names)
    if len(names) > _FEW:
        return close
    likeness = {name: difflib.SequenceMatcher(None, given, name).ratio() for name in names}
    return f"{close or ';'} there are {', '.join(sorted(names, key=lambda name: -likeness[name]))}"


def nearest(given: str, names: Iterable[str]) -> str:
    """`; did you mean ...?` with the names most like the one given, or nothing."""
    every = list(names)
    close = difflib.get_close_matches(given, every, n=3, cutoff=0.5)
    if not close:
        close = [name for name in every if given.lower() in name.lower()][:3]
    return f"; did you mean {' or '.join(close)}?" if close else ""
