"""The index of the entries of one client: the ids that connect them, and the order in which they were sent."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.exact_order import EntryTimes, order_by_exact_times
from runs_conformance.recordings.exchanges import (
    ExchangePosition,
    build_exchange,
    is_suspicious,
    stated_time,
)
from runs_conformance.recordings.hosts import RecognizedServers, RecordedServer
from runs_conformance.recordings.location import LocatedRequest
from runs_conformance.recordings.mentioned_ids import MentionedIds, mentioned_ids
from runs_conformance.recordings.ordering import in_order
from runs_conformance.recordings.partition import RedactedExchanges, has_redacted_ids
from runs_conformance.recordings.partition_plan import PartitionPlanner, PlannedPartition
from runs_conformance.recordings.partition_reference import EntryColumns
from runs_conformance.recordings.summary import summarize


class ClientIndex:
    """The entries of one client as columns of numbers, one row per entry, in the order of the file."""

    def __init__(self, program: str, hosts: Sequence[str]) -> None:
        self.program = program
        self.columns = EntryColumns()
        self._planner = PartitionPlanner()
        self._servers = RecognizedServers(hosts)
        self._server_numbers: dict[RecordedServer, int] = {}
        self._server = array("l")
        self._exact = bytearray()
        self._started, self._seconds, self._wall = array("d"), array("d"), array("d")
        self._hashes = tuple(array("q") for _ in range(5))
        self._created: dict[int, tuple[int, ...]] = {}
        self._used: dict[int, tuple[int, ...]] = {}
        self._redacted: dict[int, Exchange] = {}

    def add(self, entry: RecordedEntry, located: LocatedRequest, offset: int, length: int) -> None:
        """Add an entry whose text is at this location."""
        row = len(self.columns)
        self._servers.observe(located.server, entry)
        self._server.append(self._server_numbers.setdefault(located.server, len(self._server_numbers)))
        summary = summarize(entry)
        suspicious = is_suspicious(entry)
        self.columns.add(entry.sequence_number, offset, length, suspicious)
        self._exact.append(summary.has_exact_times)
        self._started.append(math.nan if summary.started_at is None else summary.started_at)
        self._seconds.append(math.nan if summary.seconds is None else summary.seconds)
        self._wall.append(stated_time(entry) or math.nan)
        values = (summary.address, summary.identity, summary.request, summary.response, summary.size)
        for column, value in zip(self._hashes, values, strict=True):
            column.append(value)
        if summary.created:
            self._created[row] = summary.created
        if summary.used:
            self._used[row] = summary.used
        self._join(row, entry, located, suspicious)

    def _join(self, row: int, entry: RecordedEntry, located: LocatedRequest, suspicious: bool) -> None:
        mentioned = mentioned_ids(entry, located)
        if suspicious:
            exchange = build_exchange(entry, located, ExchangePosition(self.program, 1, 0.0, 0.0), None, suspicious)
            if isinstance(exchange, Exchange) and has_redacted_ids(exchange):
                self._redacted[row] = exchange
                mentioned = MentionedIds()
        self._planner.add(mentioned.ids, mentioned.managed, mentioned.used)

    def skipped_entries(self) -> Iterator[tuple[int, str]]:
        """The entries that are not judged because of their server: position and reason of each."""
        reasons = self._skip_reasons()
        if reasons:
            for row, number in enumerate(self._server):
                if number in reasons:
                    yield self.columns.position[row], reasons[number]

    def _skip_reasons(self) -> dict[int, str]:
        """Why the exchanges with some servers are not judged, by the number of the server."""
        reasons = {number: self._servers.skip_reason(server) for server, number in self._server_numbers.items()}
        return {number: reason for number, reason in reasons.items() if reason}

    def plan(self, size: int) -> Iterator[tuple[PlannedPartition, bool]]:
        """Divide the entries into partitions; partitions in which all ids were redacted come last, marked as such."""
        self._planner.finish()
        order = self._put_in_order()
        if len(order) <= size:
            if order:
                yield PlannedPartition(order), False
            return
        redacted = [row for row in order if row in self._redacted]
        for planned in self._planner.plan([row for row in order if row not in self._redacted], size):
            yield planned, False
        for start in range(0, len(redacted), size):
            yield PlannedPartition(redacted[start : start + size]), True

    def _put_in_order(self) -> list[int]:
        """Fill the columns that depend on the order; returns the rows in order."""
        reasons = self._skip_reasons()
        kept = [row for row, number in enumerate(self._server) if number not in reasons]
        address, identity, request, response, _ = self._hashes
        times = EntryTimes(self._exact, self._started, self._seconds, address, identity, request, response)
        order = order_by_exact_times(kept, times)
        if order is not None:
            wall = math.nan
            for index, row in enumerate(order, 1):
                started = self._started[row]
                self.columns.set_order(row, index, started, started + self._seconds[row], wall)
                wall = wall if math.isnan(self._wall[row]) else self._wall[row]
            return order
        return self._put_in_order_one_by_one(kept)

    def _put_in_order_one_by_one(self, kept: Sequence[int]) -> list[int]:
        order = array("q")
        wall = math.nan
        for index, timed in enumerate(in_order([_Row(self, row) for row in kept]), 1):
            row = bisect_left(self.columns.position, timed.entry.sequence_number)
            self.columns.set_order(row, index, timed.started, timed.ended, wall)
            order.append(row)
            wall = wall if math.isnan(self._wall[row]) else self._wall[row]
        return order.tolist()

    def describe_redacted(self) -> RedactedExchanges:
        """Describe the entries whose ids were redacted, once the entries are in order."""
        rows = sorted(row for row in self._redacted if self.columns.index and self.columns.index[row])
        if not rows:
            return RedactedExchanges()
        first = min(rows, key=self.columns.index.__getitem__)
        since = min(self.columns.started[row] for row in rows)
        return RedactedExchanges(RedactedExchanges.of([self._redacted[first]]).reason, since)


class _Row:
    """One row as an `OrderedEntry`."""

    __slots__ = ("_index", "_row")

    def __init__(self, index: ClientIndex, row: int) -> None:
        self._index = index
        self._row = row

    @property
    def sequence_number(self) -> int:
        """The position in the file."""
        return self._index.columns.position[self._row]

    @property
    def started_at(self) -> float | None:
        """The Unix time of the start."""
        return _or_none(self._index._started[self._row])

    @property
    def seconds(self) -> float | None:
        """The duration."""
        return _or_none(self._index._seconds[self._row])

    @property
    def has_exact_times(self) -> bool:
        """Whether both are exact enough to order entries by."""
        return bool(self._index._exact[self._row])

    @property
    def address(self) -> int:
        """The hash of method and URL."""
        return self._index._hashes[0][self._row]

    @property
    def identity(self) -> int:
        """The hash of method, URL and request id."""
        return self._index._hashes[1][self._row]

    @property
    def request(self) -> int:
        """The hash of the request body."""
        return self._index._hashes[2][self._row]

    @property
    def response(self) -> int:
        """The hash of the response body."""
        return self._index._hashes[3][self._row]

    @property
    def size(self) -> int:
        """The number of bytes of both bodies."""
        return self._index._hashes[4][self._row]

    @property
    def created(self) -> tuple[int, ...]:
        """Hashes of the ids that the response shows as created."""
        return self._index._created.get(self._row, ())

    @property
    def used(self) -> tuple[int, ...]:
        """Hashes of the ids that the path names."""
        return self._index._used.get(self._row, ())


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number
