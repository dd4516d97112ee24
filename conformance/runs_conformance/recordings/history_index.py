"""Indexes a `history.jsonl` of any size, and divides its programs into partitions that are read to be judged."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from runs_conformance.errors import UsageError
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings import history_file
from runs_conformance.recordings.exchanges import SkippedEntry
from runs_conformance.recordings.har_file import open_recording
from runs_conformance.recordings.partition import SIZE, RedactedExchanges, describe_mentions, has_redacted_ids
from runs_conformance.recordings.partition_plan import PartitionPlanner, PlannedPartition
from runs_conformance.recordings.partition_reference import PartitionReference
from runs_conformance.wire import strict_json

_MAX_VALUES = 4_000_000
"""JSON values of one program of the suite, which is judged as a whole."""
_GZIP = b"\x1f\x8b"


def _integers() -> array[int]:
    return array("q")


@dataclass(frozen=True, slots=True)
class LineOffsets:
    """The locations of lines in a file: offset and length in bytes."""

    offset: array[int] = field(default_factory=_integers)
    length: array[int] = field(default_factory=_integers)

    def __len__(self) -> int:
        return len(self.offset)

    def select(self, rows: Sequence[int]) -> LineOffsets:
        """These lines, in order."""
        return LineOffsets(
            array("q", [self.offset[row] for row in rows]), array("q", [self.length[row] for row in rows])
        )


@dataclass(frozen=True, slots=True)
class HistoryReference(PartitionReference[LineOffsets]):
    """A partition of a `history.jsonl`."""

    def _exchanges(self, file: IO[bytes], locations: LineOffsets, skipped: list[SkippedEntry]) -> Iterator[Exchange]:
        for offset, length in zip(locations.offset, locations.length, strict=True):
            file.seek(offset)
            yield history_file.parse_exchange(history_file.parse_line(file.read(length)), self.edition)


class _ProgramIndex:
    """The lines of one program. The ids of exchanges that this suite sent are not needed, as they stay together."""

    def __init__(self) -> None:
        self.lines = LineOffsets()
        self.has_steps = False
        self.values = 0
        self._index = _integers()
        self._planner = PartitionPlanner()
        self._redacted: dict[int, tuple[str, float]] = {}

    def add(self, exchange: Exchange, offset: int, length: int) -> None:
        row = len(self.lines)
        self.lines.offset.append(offset)
        self.lines.length.append(length)
        self._index.append(exchange.index)
        if has_redacted_ids(exchange):
            self._redacted[row] = (RedactedExchanges.of([exchange]).reason, exchange.started)
            self._planner.add(())
        else:
            self._planner.add(*describe_mentions(exchange))

    def plan(self, size: int) -> Iterator[tuple[PlannedPartition, bool]]:
        """The partitions; those whose ids were all redacted come last, marked as such."""
        self._planner.finish()
        order = sorted(range(len(self.lines)), key=self._index.__getitem__)
        if self.has_steps or len(order) <= size:
            if order:
                yield PlannedPartition(order), False
            return
        for planned in self._planner.plan([row for row in order if row not in self._redacted], size):
            yield planned, False
        redacted = [row for row in order if row in self._redacted]
        for start in range(0, len(redacted), size):
            yield PlannedPartition(redacted[start : start + size]), True

    def describe_redacted(self) -> RedactedExchanges:
        if not self._redacted:
            return RedactedExchanges()
        first = min(self._redacted, key=self._index.__getitem__)
        return RedactedExchanges(self._redacted[first][0], min(started for _, started in self._redacted.values()))


class HistoryIndex:
    """The index of one `history.jsonl`.

    `skipped` names a truncated last line, `has_steps` says that this suite sent some of the requests. Raises UsageError
    if any other line cannot be read.
    """

    def __init__(self, path: str, edition: str | None = None) -> None:
        self.path = path
        self.skipped: list[SkippedEntry] = []
        self.entry_count = 0
        self._edition = edition
        self._programs: dict[str, _ProgramIndex] = {}
        self.has_steps = False
        self._read()

    def _read(self) -> None:
        offset = 0
        with open_recording(self.path) as file:
            for number in itertools.count(1):
                line = file.readline(history_file.MAX_LINE)
                if not line:
                    break
                if len(line) == history_file.MAX_LINE and not line.endswith(b"\n"):
                    raise UsageError(f"{self.path}:{number}: longer than {history_file.MAX_LINE // 2**20} MB")
                if line.strip():
                    self._add(number, line, offset)
                offset += len(line)

    def _add(self, number: int, line: bytes, offset: int) -> None:
        try:
            entry = history_file.parse_line(line)
            exchange = history_file.parse_exchange(entry) if entry.get("type") == "exchange" else None
        except history_file.LINE_ERRORS as error:
            self.skipped.append(history_file.explain_unreadable(self.path, number, line, error))
            self.entry_count += 1
            return
        if exchange is None:
            return
        program = self._programs.setdefault(exchange.program, _ProgramIndex())
        self.has_steps = self.has_steps or exchange.step is not None
        program.has_steps = program.has_steps or exchange.step is not None
        program.values += strict_json.count_values(line)
        if program.has_steps and program.values > _MAX_VALUES:
            raise UsageError(f"{self.path}: {exchange.program} has more than {_MAX_VALUES:,} JSON values")
        if exchange.operation is None or (exchange.step is not None and exchange.step.role is Role.CLEANUP):
            return
        program.add(exchange, offset, len(line))
        self.entry_count += 1

    def partitions(self, size: int = SIZE) -> Iterator[HistoryReference]:
        """Divide each program into partitions, each readable by itself."""
        # Programs of a test run use objects of their own; the clients of recorded traffic may share them.
        is_shared = len(self._programs) > 1 and not self.has_steps
        for name, program in self._programs.items():
            plan = program.plan(size)
            first = list(itertools.islice(plan, 2))
            redacted = program.describe_redacted()
            for planned, is_redacted in itertools.chain(first, plan):
                yield HistoryReference(
                    name,
                    self.path,
                    self._edition,
                    program.lines.select(planned.members),
                    program.lines.select(planned.dependencies),
                    planned.missing_data_reason,
                    redacted,
                    is_shared,
                    only_damaged=is_redacted,
                    is_part=len(first) > 1,
                )


def is_history_file(path: str) -> bool:
    """Whether a file is a plain `history.jsonl`. Raises UsageError if it cannot be read."""
    try:
        with open_recording(path) as file:
            line = file.readline(history_file.MAX_LINE)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    return not line.startswith(_GZIP) and history_file.is_history(line)
