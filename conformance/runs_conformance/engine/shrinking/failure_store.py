"""Stores shrunk failures, so that the next test run executes them first.

The store is a Hypothesis example database that holds steps rather than random choices, because steps mean the same to
every version. Its folder can be shared like any such database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runs_conformance.engine.plan import FUZZING_PHASE
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.errors import UsageError
from runs_conformance.model.json import is_object
from runs_conformance.model.program import Program
from runs_conformance.wire import known_secrets

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

MAX_STORED = 24
"""Maximum number of stored failures to execute; each costs a few requests."""

PROGRAM_PREFIX = "explore.kept_"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """A reproduction that violated an id on a target."""

    id: str
    reproduction: Reproduction

    def to_bytes(self) -> bytes:
        """Serialize for the database."""
        data = {"version": _VERSION, "id": self.id, "steps": self.reproduction.to_json()}
        return json.dumps(data, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, data: bytes) -> StoredFailure | None:
        """Deserialize; None if the data is invalid or of another version."""
        try:
            value = json.loads(data)
        except ValueError:
            return None
        if not is_object(value) or value.get("version") != _VERSION:
            return None
        try:
            return cls(str(value["id"]), Reproduction.from_json(value["steps"]))
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class FailureStore:
    """The stored failures of one target and edition."""

    database: ExampleDatabase
    target: str
    edition: str

    @property
    def key(self) -> bytes:
        """The database key."""
        return f"runs-conformance/{self.target}/{self.edition}".encode()

    def load(self) -> list[StoredFailure]:
        """At most MAX_STORED failures, smallest first; empty if the folder cannot be read."""
        return [failure for failure, _ in self._entries()]

    def programs(self) -> list[Program]:
        """A program for each stored failure."""
        return [
            failure.reproduction.to_program(f"{PROGRAM_PREFIX}{number}", FUZZING_PHASE)
            for number, failure in enumerate(self.load(), 1)
        ]

    def save(self, reproductions: Mapping[str, Reproduction]) -> None:
        """Store one reproduction per violated id."""
        for id_, reproduction in reproductions.items():
            data = StoredFailure(id_, reproduction).to_bytes().decode("utf-8", "surrogatepass")
            self.database.save(self.key, known_secrets.redact_json_text(data).encode("utf-8", "surrogatepass"))

    def discard_fixed(self, failing: set[str]) -> None:
        """Delete the loaded failures of ids that are not in `failing`."""
        for failure, data in self._entries():
            if failure.id not in failing:
                self.database.delete(self.key, data)

    def _entries(self) -> list[tuple[StoredFailure, bytes]]:
        entries = [
            (failure, data) for data in self._values() if (failure := StoredFailure.from_bytes(data)) is not None
        ]
        return sorted(entries, key=lambda entry: (len(entry[0].reproduction.steps), entry[1]))[:MAX_STORED]

    def _values(self) -> Iterator[bytes]:
        try:
            yield from self.database.fetch(self.key)
        except OSError:
            return


def open_failure_store(folder: Path, target: str, edition: str) -> FailureStore:
    """Open the failure store in a folder, which need not exist. Raises UsageError if the path is not a folder."""
    from hypothesis.database import DirectoryBasedExampleDatabase

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; --database selects another one")
    return FailureStore(DirectoryBasedExampleDatabase(folder), target, edition)
