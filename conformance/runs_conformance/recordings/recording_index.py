"""Indexes a HAR of any size and divides it into partitions.

Only numbers are kept of each entry. The exchanges of a partition are read again from the file when it is judged.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from runs_conformance.recordings import har
from runs_conformance.recordings.client_index import ClientIndex
from runs_conformance.recordings.entry import HeaderList, RecordedEntry
from runs_conformance.recordings.exchanges import SkippedEntry, remember_keys
from runs_conformance.recordings.har_file import HarFile
from runs_conformance.recordings.location import locate
from runs_conformance.recordings.partition import SIZE
from runs_conformance.recordings.partition_reference import HarReference

MAX_SKIPPED = 10_000
"""Skipped entries that are listed; more are only counted."""


class RecordingIndex:
    """The index of one HAR. Entries with different keys are different clients, whose histories are partial.

    `skipped` lists the first entries that are not judged, `skipped_count` counts all. Close it when everything is
    judged: compressed recordings are unpacked into a temporary file.
    """

    def __init__(self, file: HarFile, edition: str | None = None, hosts: Sequence[str] = ()) -> None:
        self.name = file.name
        self.is_plain = file.is_plain
        self.skipped: list[SkippedEntry] = []
        self.skipped_count = 0
        self.entry_count = 0
        self._edition = edition
        self._hosts = hosts
        self._clients: dict[HeaderList, ClientIndex] = {}
        self._unkeyed = ClientIndex(self.name, hosts)
        self._missing_data_reason = ""
        self._unpacked: str = ""
        self._path = file.path
        self._read(file)

    def _read(self, file: HarFile) -> None:
        unpacked: IO[bytes] | None = None
        if not file.is_plain:
            descriptor, self._unpacked = tempfile.mkstemp(prefix="runs-conformance-", suffix=".har")
            unpacked = os.fdopen(descriptor, "wb")
            self._path = self._unpacked
        try:
            for position, item in enumerate(file.items(), 1):
                self.entry_count += not item.problem
                entry = (position, item.problem) if item.problem else har.read_entry(position, item.entry)
                if isinstance(entry, tuple):
                    self._missing_data_reason = self._missing_data_reason or f"entry {position} cannot be read"
                    self._skip(self._unkeyed.program, *entry)
                    continue
                offset, length = item.offset, item.length
                if unpacked is not None:
                    raw = json.dumps(item.entry).encode()
                    offset, length = unpacked.tell(), unpacked.write(raw)
                client = self._client(entry)
                found = locate(entry)
                if isinstance(found, str):
                    self._skip(client.program, position, found)
                else:
                    client.add(found[1], found[0], offset, length)
        except BaseException:
            self.close()
            raise
        finally:
            if unpacked is not None:
                unpacked.close()

    def _client(self, entry: RecordedEntry) -> ClientIndex:
        """The client that sent an entry. Entries without a key belong to the first client."""
        key = entry.key
        if not key:
            return self._unkeyed
        client = self._clients.get(key)
        if client is None:
            remember_keys(entry.headers)  # What other processes find is written by this one.
            number = len(self._clients) + 1
            client = self._unkeyed if number == 1 else ClientIndex(f"{self.name} (key {number})", self._hosts)
            self._clients[key] = client
        return client

    def _skip(self, program: str, position: int, reason: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(SkippedEntry(f"{program}:{position}", reason))

    def partitions(self, size: int = SIZE) -> Iterator[HarReference]:
        """Put the entries in order and divide them into partitions, each readable by itself."""
        others = (client for client in self._clients.values() if client is not self._unkeyed)
        for client in (self._unkeyed, *others):
            for position, reason in client.skipped_entries():
                self._skip(client.program, position, reason)
            reason = self._missing_data_reason if client is self._unkeyed else ""
            plan = client.plan(size)
            first = list(itertools.islice(plan, 2))
            redacted = client.describe_redacted()
            for planned, is_redacted in itertools.chain(first, plan):
                yield HarReference(
                    client.program,
                    self._path,
                    self._edition,
                    client.columns.select(planned.members),
                    client.columns.select(planned.dependencies),
                    planned.missing_data_reason,
                    redacted,
                    len(self._clients) > 1 or bool(reason),
                    reason,
                    only_damaged=is_redacted,
                    is_part=len(first) > 1,
                )

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._unpacked:
            os.unlink(self._unpacked)
            self._unpacked = ""
