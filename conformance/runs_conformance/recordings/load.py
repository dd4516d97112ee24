"""A file of recorded traffic read into histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent
from runs_conformance.recordings import azure_test_proxy, har, history_file, vcr, yaml_text
from runs_conformance.recordings.entry import Entry, Pairs
from runs_conformance.recordings.exchanges import Skipped, exchanges
from runs_conformance.wire import strict_json

MAX_BYTES = 512 * 1024 * 1024
_KINDS = "a history.jsonl, a HAR, a VCR cassette or a test-proxy session"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: histories to judge, and what was left out and why. `run` and `end` are the first and the last
    line of a `history.jsonl`.
    """

    histories: tuple[History, ...]
    skipped: tuple[Skipped, ...] = ()
    run: Mapping[str, JSON] = field(default_factory=dict)
    end: Mapping[str, JSON] = field(default_factory=dict)


def read(path: Path | str, edition: str | None = None) -> Reading:
    """The recorded traffic in a file of any known format; `edition` stands in for the dates of the recording.

    There is one history for each file, for a `history.jsonl` one for each program. Where a file holds what several
    clients sent, each with a key of its own, each has its history, and that is partial: they may share objects, or
    not. Raises UsageError where the file cannot be read.
    """
    name, data = str(path), _bytes(Path(path))
    if history_file.holds(data):
        file = history_file.read(name, data, edition)
        return Reading(file.histories, file.skipped, file.run, file.end)
    clients = _by_key(_entries(name, data))
    histories, left_out = [], []
    for number, entries in enumerate(clients, 1):
        client = name if number == 1 else f"{name} (key {number})"
        found, skipped = exchanges(entries, client, edition)
        left_out += skipped
        if found:
            histories.append(History.of(found, client, partial=len(clients) > 1))
    return Reading(tuple(histories), tuple(left_out))


def _by_key(entries: Iterable[Entry | tuple[int, str]]) -> list[list[Entry | tuple[int, str]]]:
    """The entries by the key they were sent with; those that show none are with the first."""
    clients: dict[Pairs, list[Entry | tuple[int, str]]] = {}
    keyless: list[Entry | tuple[int, str]] = []
    for entry in entries:
        key = () if isinstance(entry, tuple) else entry.key
        (clients.setdefault(key, []) if key else keyless).append(entry)
    if not clients:
        return [keyless]
    first, *others = clients.values()
    return [_in_order([*keyless, *first]), *others]


def _in_order(entries: list[Entry | tuple[int, str]]) -> list[Entry | tuple[int, str]]:
    return sorted(entries, key=lambda entry: entry[0] if isinstance(entry, tuple) else entry.where)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES // 2**20} MB; split it")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _entries(name: str, data: bytes) -> Iterable[Entry | tuple[int, str]]:
    if not data.strip():
        raise UsageError(f"{name}: empty")
    for document in _documents(name, data):
        if isinstance(document, dict) and har.holds(document):
            return har.entries(document)
        if isinstance(document, dict) and azure_test_proxy.holds(document):
            return azure_test_proxy.entries(document)
        if vcr.holds(document):
            return vcr.entries(document)
    raise UsageError(f"{name}: not {_KINDS}")


def _documents(name: str, data: bytes) -> list[Any]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        parsed = strict_json.parse(data, MAX_BYTES)
        if not isinstance(parsed.value, Absent):
            return [parsed.value]
    try:
        return yaml_text.documents(data)
    except yaml_text.NotYaml as error:
        raise UsageError(f"{name}: not {_KINDS} ({error})") from None
