"""Reads a file of recorded traffic, in any supported format, into histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent
from runs_conformance.recordings import azure_test_proxy, har, history_file, vcr, yaml_text
from runs_conformance.recordings.entry import Pairs, RecordedEntry
from runs_conformance.recordings.exchanges import SkippedEntry, to_exchanges
from runs_conformance.wire import strict_json

MAX_BYTES = 512 * 1024 * 1024
_FORMATS = "a history.jsonl, a HAR, a VCR cassette or a test-proxy session"


@dataclass(frozen=True, slots=True)
class RecordedTraffic:
    """The content of a file: histories to judge, and skipped entries. `header` and `footer` are the first and the last
    line of a `history.jsonl`.
    """

    histories: tuple[History, ...]
    skipped: tuple[SkippedEntry, ...] = ()
    header: Mapping[str, JSON] = field(default_factory=dict)
    footer: Mapping[str, JSON] = field(default_factory=dict)


def load_traffic(path: Path | str, edition: str | None = None, hosts: Sequence[str] = ()) -> RecordedTraffic:
    """Load a file of any supported format; `edition` overrides the dates of the recording, `hosts` are globs of hosts.

    A file gives one history, a `history.jsonl` one per program. If a file contains requests with several keys, each key
    gives a partial history, since the clients may share objects. So does an entry that cannot be read. Raises
    UsageError if the file cannot be read.
    """
    name, data = str(path), _bytes(Path(path))
    if history_file.is_history(data):
        file = history_file.read_history(name, data, edition)
        return RecordedTraffic(file.histories, file.skipped, file.header, file.footer)
    clients = _group_by_key(_entries(name, data))
    histories, left_out = [], []
    for number, entries in enumerate(clients, 1):
        client = name if number == 1 else f"{name} (key {number})"
        found, skipped = to_exchanges(entries, client, edition, hosts)
        left_out += skipped
        if found:
            gap = next((f"entry {entry[0]} cannot be read" for entry in entries if isinstance(entry, tuple)), "")
            histories.append(History.of(found, client, partial=len(clients) > 1 or bool(gap), gap=gap))
    return RecordedTraffic(tuple(histories), tuple(left_out))


def _group_by_key(entries: Iterable[RecordedEntry | tuple[int, str]]) -> list[list[RecordedEntry | tuple[int, str]]]:
    """Group entries by key; entries without a key belong to the first group."""
    clients: dict[Pairs, list[RecordedEntry | tuple[int, str]]] = {}
    keyless: list[RecordedEntry | tuple[int, str]] = []
    for entry in entries:
        key = () if isinstance(entry, tuple) else entry.key
        (clients.setdefault(key, []) if key else keyless).append(entry)
    if not clients:
        return [keyless]
    first, *others = clients.values()
    return [_sort_by_position([*keyless, *first]), *others]


def _sort_by_position(entries: list[RecordedEntry | tuple[int, str]]) -> list[RecordedEntry | tuple[int, str]]:
    return sorted(entries, key=lambda entry: entry[0] if isinstance(entry, tuple) else entry.position)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES // 2**20} MB; split it")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _entries(name: str, data: bytes) -> Iterable[RecordedEntry | tuple[int, str]]:
    if not data.strip():
        raise UsageError(f"{name}: empty")
    for document in _documents(name, data):
        if isinstance(document, dict) and har.is_har(document):
            return har.entries(document)
        if isinstance(document, dict) and azure_test_proxy.is_session_record(document):
            return azure_test_proxy.entries(document)
        if vcr.is_cassette(document):
            return vcr.entries(document)
    raise UsageError(f"{name}: not {_FORMATS}")


def _documents(name: str, data: bytes) -> list[Any]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        parsed = strict_json.parse(data, MAX_BYTES)
        if not isinstance(parsed.value, Absent):
            return [parsed.value]
    try:
        return yaml_text.documents(data)
    except yaml_text.YamlError as error:
        raise UsageError(f"{name}: not {_FORMATS} ({error})") from None
