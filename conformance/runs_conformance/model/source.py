"""The sources of requirements, and their requirement levels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The requirement level of a rule or constraint. By default, only a `must` fails a test run."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Basis(StrEnum):
    """The kind of document that states a requirement; CONVENTION if none does."""

    SCHEMA = "schema"
    PROSE = "prose"
    SDK = "sdk"
    OBSERVED = "observed"
    CONVENTION = "convention"


@dataclass(frozen=True, slots=True)
class Source:
    """The document that states a requirement: its kind, the place in it, and its dated edition.

    `note` describes known deviations of the real service, or gives the reason for the level.
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
    """A requirement of the published OpenAPI document."""
    return Source(Basis.SCHEMA, locator, edition, note)


def prose(locator: str, edition: str = "", note: str = "") -> Source:
    """A requirement of published prose."""
    return Source(Basis.PROSE, locator, edition, note)


def observed(locator: str, edition: str = "", note: str = "") -> Source:
    """A requirement inferred from recorded traffic of the real service."""
    return Source(Basis.OBSERVED, locator, edition, note)


def convention(note: str) -> Source:
    """A requirement that no source states, a convention of this suite; `note` gives the reason."""
    return Source(Basis.CONVENTION, "no source states it", note=note)
