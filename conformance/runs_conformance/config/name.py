"""Checks names and suggests the nearest ones for a typo."""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.contract.edition import EDITIONS, is_edition
from runs_conformance.errors import UsageError
from runs_conformance.model.suggestion import did_you_mean, sort_by_similarity

_MAX_LISTED = 20
"""Maximum number of names listed in one line."""


def parse_edition(name: str) -> str:
    """A valid edition. Raises UsageError for any other text."""
    if is_edition(name):
        return name
    raise UsageError(f"--edition {name!r} is not one of {', '.join(EDITIONS)} (or another date since {EDITIONS[0]})")


def require_known(name: str, names: Iterable[str], description: str) -> str:
    """A name that is among `names`. Raises UsageError, with the nearest ones, and all if there are few."""
    known = list(names)
    if name in known:
        return name
    raise UsageError(f"there is no {description} {name!r}{_hint(name, known)}")


def _hint(name: str, names: list[str]) -> str:
    close = did_you_mean(name, names)
    if len(names) > _MAX_LISTED:
        return close
    return f"{close or ';'} there are {', '.join(sort_by_similarity(name, names))}"
