"""A partition of a recording as locations in its file, from which any process can read it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import IO, Any, Generic, TypeVar

from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings import har, har_stream
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.exchanges import ExchangePosition, SkippedEntry, build_exchange
from runs_conformance.recordings.har_file import insert_bodies, open_recording
from runs_conformance.recordings.location import locate
from runs_conformance.recordings.partition import Partition, RedactedExchanges, build_partition

_FILE_MEMBER = har_stream.FILE_MEMBER.encode()


def _integers() -> array[int]:
    return array("q")


def _floats() -> array[float]:
    return array("d")


@dataclass(frozen=True, slots=True)
class EntryColumns:
    """Numbers of entries, one row each: the position in the file, the offset of the text in bytes, whether it is
    suspicious, and once the entries are in order, the index, the interval, and the Unix time of the previous one (not a
    number if unknown).
    """

    position: array[int] = field(default_factory=_integers)
    offset: array[int] = field(default_factory=_integers)
    length: array[int] = field(default_factory=_integers)
    suspicious: bytearray = field(default_factory=bytearray)
    index: array[int] = field(default_factory=_integers)
    started: array[float] = field(default_factory=_floats)
    ended: array[float] = field(default_factory=_floats)
    previous_wall: array[float] = field(default_factory=_floats)

    def __len__(self) -> int:
        return len(self.position)

    def add(self, position: int, offset: int, length: int, suspicious: bool) -> None:
        """Add an entry whose position in the order is not known yet."""
        self.position.append(position)
        self.offset.append(offset)
        self.length.append(length)
        self.suspicious.append(suspicious)

    def set_order(self, row: int, index: int, started: float, ended: float, previous_wall: float) -> None:
        """Set the position of a row in the order."""
        if not self.index:
            for column in (self.index, self.started, self.ended, self.previous_wall):
                column.frombytes(bytes(8 * len(self.position)))
        self.index[row], self.started[row], self.ended[row] = index, started, ended
        self.previous_wall[row] = previous_wall

    def select(self, rows: Sequence[int]) -> EntryColumns:
        """These rows, in order."""
        return EntryColumns(
            position=array("q", [self.position[row] for row in rows]),
            offset=array("q", [self.offset[row] for row in rows]),
            length=array("q", [self.length[row] for row in rows]),
            suspicious=bytearray([self.suspicious[row] for row in rows]),
            index=array("q", [self.index[row] for row in rows]),
            started=array("d", [self.started[row] for row in rows]),
            ended=array("d", [self.ended[row] for row in rows]),
            previous_wall=array("d", [self.previous_wall[row] for row in rows]),
        )


_Locations = TypeVar("_Locations", bound=Sized)


@dataclass(frozen=True, slots=True)
class PartitionReference(ABC, Generic[_Locations]):
    """The locations of the exchanges of a partition in the file at `path`, of which `dependencies` belong to others.

    `program` names the history, which is `partial` if it lacks requests; `missing_data_reason` says why, and
    `lacks_dependencies` why some are left out. `only_damaged` says that every exchange is damaged and has unknown ids.
    `is_part` says that the history has several partitions.
    """

    program: str
    path: str
    edition: str | None
    entries: _Locations
    dependencies: _Locations
    lacks_dependencies: str = ""
    redacted: RedactedExchanges = field(default_factory=RedactedExchanges)
    partial: bool = False
    missing_data_reason: str = ""
    only_damaged: bool = False
    is_part: bool = False

    def __len__(self) -> int:
        return len(self.entries)

    def load(self) -> tuple[Partition, tuple[SkippedEntry, ...]]:
        """Read the partition; returns also the entries that are not judged, or only judged by themselves."""
        skipped: list[SkippedEntry] = []
        with open_recording(self.path) as file:
            own = list(self._exchanges(file, self.entries, skipped))
            context = list(self._exchanges(file, self.dependencies, []))
        if self.only_damaged:
            return Partition((), tuple(own), self.redacted.reason), tuple(skipped)
        together = build_partition(
            [*own, *context], {each.id for each in context}, self.lacks_dependencies, self.redacted
        )
        return together, tuple(skipped)

    @abstractmethod
    def _exchanges(self, file: IO[bytes], locations: _Locations, skipped: list[SkippedEntry]) -> Iterator[Exchange]:
        """Read the exchanges at these locations; adds to `skipped` those that are not judged with others."""


@dataclass(frozen=True, slots=True)
class HarReference(PartitionReference[EntryColumns]):
    """A partition of a HAR."""

    def _exchanges(self, file: IO[bytes], locations: EntryColumns, skipped: list[SkippedEntry]) -> Iterator[Exchange]:
        for row, position in enumerate(locations.position):
            file.seek(locations.offset[row])
            text = file.read(locations.length[row])
            raw = har_stream.parse_entry(text)
            if _FILE_MEMBER in text:
                insert_bodies(raw, self.path)
            found = _locate_raw(har.read_entry(position, raw))
            if not isinstance(found, str):
                wall = locations.previous_wall[row]
                exchange_position = ExchangePosition(
                    self.program,
                    locations.index[row],
                    locations.started[row],
                    locations.ended[row],
                    None if math.isnan(wall) else wall,
                )
                is_suspicious = bool(locations.suspicious[row])
                found = build_exchange(found[1], found[0], exchange_position, self.edition, is_suspicious)
            if isinstance(found, str):
                skipped.append(SkippedEntry(f"{self.program}:{position}", found))
                continue
            if found.loss:
                skipped.append(SkippedEntry(found.id, found.loss))
            yield found


def _locate_raw(entry: RecordedEntry | tuple[int, str]) -> Any:
    return entry[1] if isinstance(entry, tuple) else locate(entry)
