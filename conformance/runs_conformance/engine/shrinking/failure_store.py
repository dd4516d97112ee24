"""Failures that are kept: the smallest cases that were found, tried first the next time.

They are kept in a Hypothesis example database, as the steps themselves: what was drawn to make them means nothing to
another version, steps mean the same to every one. A folder can be shared, or read from a build server, as any such
database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runs_conformance.engine.replay import Case
from runs_conformance.errors import UsageError
from runs_conformance.model.json import is_object
from runs_conformance.model.program import Program

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

MOST = 24
"""So many kept cases are tried at most; each costs a few requests."""

PROGRAM = "explore.kept_"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """One case that violated an id on a target."""

    id: str
    case: Case

    def to_bytes(self) -> bytes:
        """The case as it is kept."""
        return json.dumps(
            {"version": _VERSION, "id": self.id, "steps": self.case.to_json()}, sort_keys=True, separators=(",", ":")
        ).encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, data: bytes) -> Kept | None:
        """The case that was kept; None where this is none, or one of another version."""
        try:
            value = json.loads(data)
        except ValueError:
            return None
        if not is_object(value) or value.get("version") != _VERSION:
            return None
        try:
            return cls(str(value["id"]), Case.from_json(value["steps"]))
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures that are kept for one target in one edition."""

    database: ExampleDatabase
    target: str
    edition: str

    @property
    def key(self) -> bytes:
        """What they are kept under."""
        return f"runs-conformance/{self.target}/{self.edition}".encode()

    def kept(self) -> list[Kept]:
        """What is kept, the smallest first; nothing where the folder cannot be read."""
        found = [kept for kept in map(Kept.from_bytes, self._values()) if kept is not None]
        return sorted(found, key=lambda kept: (len(kept.case), kept.to_bytes()))[:MOST]

    def programs(self) -> list[Program]:
        """A program for each kept case."""
        return [kept.case.program(f"{PROGRAM}{number}") for number, kept in enumerate(self.kept(), 1)]

    def keep(self, found: Mapping[str, Case]) -> None:
        """Keep the smallest case of each violated id."""
        for id_, case in found.items():
            self.database.save(self.key, Kept(id_, case).to_bytes())

    def forget(self, failing: set[str]) -> None:
        """Forget what was kept for ids that are not violated any more."""
        for kept in self.kept():
            if kept.id not in failing:
                self.database.delete(self.key, kept.to_bytes())

    def _values(self) -> Iterator[bytes]:
        try:
            yield from self.database.fetch(self.key)
        except OSError:
            return


def failures(folder: Path, target: str, edition: str) -> Failures:
    """The failures kept in a folder. Raises UsageError where it is no folder."""
    from hypothesis.database import DirectoryBasedExampleDatabase

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder, so nothing can be kept in it; --database names another")
    return Failures(DirectoryBasedExampleDatabase(folder), target, edition)
