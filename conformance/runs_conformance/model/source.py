"""Where a demand comes from, and how binding it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How binding a rule or constraint is: only a `must` fails a run by default."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Basis(StrEnum):
    """What kind of record a demand was read from."""

    SCHEMA = "schema"
    PROSE = "prose"
    SDK = "sdk"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Source:
    """The record that a demand was read from: its kind, where in it, and the dated edition it belongs to.

    `note` says what is known of the service departing from it, or why the level is what it is.
    """

    basis: Basis
    locator: str
    edition: str = ""
    note: str = ""

    def __str__(self) -> str:
        dated = f" ({self.edition})" if self.edition else ""
        noted = f"; {self.note}" if self.note else ""
        return f"{self.basis}: {self.locator}{dated}{noted}"


def schema(locator: str, edition: str = "", note: str = "") -> Source:
    """A demand that the published OpenAPI document states."""
    return Source(Basis.SCHEMA, locator, edition, note)


def prose(locator: str, edition: str = "", note: str = "") -> Source:
    """A demand that published prose states."""
    return Source(Basis.PROSE, locator, edition, note)


def observed(locator: str, edition: str = "", note: str = "") -> Source:
    """A demand read from recorded traffic of the real service."""
    return Source(Basis.OBSERVED, locator, edition, note)
