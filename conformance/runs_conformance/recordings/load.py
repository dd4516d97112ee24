"""Reads a file of recorded traffic, in any supported format, into histories."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.files import read_bytes
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent
from runs_conformance.recordings import (
    azure_test_proxy,
    curl_transcript,
    har,
    har_file,
    history_file,
    insomnia,
    mitmproxy_flows,
    mock_formats,
    sdk_log,
    single_response,
    vcr,
    yaml_text,
)
from runs_conformance.recordings.entry import HeaderList, RecordedEntry
from runs_conformance.recordings.exchanges import SkippedEntry, to_exchanges
from runs_conformance.wire import strict_json

MAX_BYTES = 256 * 1024 * 1024
MAX_VALUES = 2_000_000
"""Values of a JSON file. In memory, each takes up to a hundred bytes, however short its text is."""
_FORMATS = "a recording in a known format (HAR, history.jsonl, VCR, test proxy and others; see the guide to `judge`)"
_Entry = RecordedEntry | tuple[int, str]
_MAX_YAML = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedTraffic:
    """The content of a file: histories to judge, and skipped entries. `header` and `footer` are the first and the last
    line of a `history.jsonl`.
    """

    histories: tuple[History, ...]
    skipped: tuple[SkippedEntry, ...] = ()
    header: Mapping[str, JSON] = field(default_factory=dict)
    footer: Mapping[str, JSON] = field(default_factory=dict)


def load_traffic(
    path: Path | str, edition: str | None = None, hosts: Sequence[str] = (), as_operation: str | None = None
) -> RecordedTraffic:
    """Load a file of any supported format; `edition` overrides the dates of the recording.

    `hosts` are globs of the hosts to load. With `as_operation` the file holds one response of that operation.

    A file gives one history, a `history.jsonl` one per program. If a file contains requests with several keys, each key
    gives a partial history, since the clients may share objects. So does an entry that cannot be read. Raises
    UsageError if the file cannot be read.
    """
    name = str(path)
    if (entries := _har_entries(Path(path))) is not None and as_operation is None:
        return _traffic(name, entries, edition, hosts)
    return parse_traffic(name, _bytes(Path(path)), edition, hosts, as_operation)


def parse_traffic(
    name: str,
    data: bytes | Mapping[str, Any],
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
) -> RecordedTraffic:
    """Parse the content of a file, or the parsed document of a HAR. The other arguments are those of `load_traffic`.

    Raises UsageError if it has no known format.
    """
    if isinstance(data, Mapping):
        if not har.is_har(data):
            raise UsageError(f"{name}: not a HAR, since it has no `log` with `entries`")
        return _traffic(name, har.entries(data), edition, hosts)
    if as_operation is not None:
        return _traffic(name, [single_response.entry(data, as_operation)], edition, hosts)
    if history_file.is_history(data):
        file = history_file.read_history(name, data, edition)
        return RecordedTraffic(file.histories, file.skipped, file.header, file.footer)
    return _traffic(name, _entries(name, data), edition, hosts)


def _traffic(
    name: str, recorded: Iterable[RecordedEntry | tuple[int, str]], edition: str | None, hosts: Sequence[str]
) -> RecordedTraffic:
    clients = _group_by_key(recorded)
    histories, left_out = [], []
    for number, entries in enumerate(clients, 1):
        client = name if number == 1 else f"{name} (key {number})"
        found, skipped = to_exchanges(entries, client, edition, hosts)
        left_out += skipped
        if found:
            missing_data_reason = next(
                (f"entry {entry[0]} cannot be read" for entry in entries if isinstance(entry, tuple)), ""
            )
            histories.append(
                History.of(
                    found,
                    client,
                    partial=len(clients) > 1 or bool(missing_data_reason),
                    missing_data_reason=missing_data_reason,
                )
            )
    return RecordedTraffic(tuple(histories), tuple(left_out))


def _group_by_key(entries: Iterable[RecordedEntry | tuple[int, str]]) -> list[list[RecordedEntry | tuple[int, str]]]:
    """Group entries by key; entries without a key belong to the first group."""
    clients: dict[HeaderList, list[RecordedEntry | tuple[int, str]]] = {}
    keyless: list[RecordedEntry | tuple[int, str]] = []
    for entry in entries:
        key = () if isinstance(entry, tuple) else entry.key
        (clients.setdefault(key, []) if key else keyless).append(entry)
    if not clients:
        return [keyless]
    first, *others = clients.values()
    return [_sort_by_position([*keyless, *first]), *others]


def _sort_by_position(entries: list[RecordedEntry | tuple[int, str]]) -> list[RecordedEntry | tuple[int, str]]:
    return sorted(entries, key=lambda entry: entry[0] if isinstance(entry, tuple) else entry.sequence_number)


def _har_entries(path: Path) -> Iterator[RecordedEntry | tuple[int, str]] | None:
    """The entries of a HAR; None if the file is not a HAR."""
    file = har_file.open_har(str(path))
    return None if file is None else _read_har(file)


def _read_har(file: har_file.HarFile) -> Iterator[RecordedEntry | tuple[int, str]]:
    for where, item in enumerate(file.items(), 1):
        yield (where, item.problem) if item.problem else har.read_entry(where, item.entry)


def _bytes(path: Path) -> bytes:
    try:
        data = read_bytes(path, MAX_BYTES)
        if data.startswith(har_file.GZIP):
            with gzip.open(path) as file:
                data = file.read(MAX_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return data


def _entries(name: str, data: bytes) -> Iterable[RecordedEntry | tuple[int, str]]:
    if not data.strip():
        raise UsageError(f"{name}: empty")
    if curl_transcript.is_transcript(data):
        return curl_transcript.entries(data)
    if sdk_log.is_sdk_log(data):
        return sdk_log.entries(data)
    if mitmproxy_flows.is_flow_file(data):
        return _read_named(name, mitmproxy_flows.entries, data)
    for document in _documents(name, data):
        if insomnia.is_export(document):
            return _read_named(name, insomnia.entries, document)
        if isinstance(document, dict) and har.is_har(document):
            return har.entries(document)
        if isinstance(document, dict) and azure_test_proxy.is_session_record(document):
            return azure_test_proxy.entries(document)
        if (found := mock_formats.entries(document)) is not None:
            return found
        if vcr.is_cassette(document):
            return vcr.entries(document)
    raise _unknown(name, data)


def _read_named(name: str, read: Callable[[Any], Iterable[_Entry]], data: Any) -> Iterable[_Entry]:
    """Read entries; an error names the file."""
    try:
        return read(data)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _unknown(name: str, data: bytes, problem: str = "") -> UsageError:
    found = single_response.describe(data)
    detail = f": it looks like {found}" if found else f" ({problem})" if problem else ""
    return UsageError(f"{name}: not {_FORMATS}{detail}")


def _documents(name: str, data: bytes) -> list[Any]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        parsed = strict_json.parse(data, MAX_BYTES, max_values=MAX_VALUES)
        if parsed.defects == ("too_large",):
            raise UsageError(f"{name}: more than {MAX_VALUES:,} JSON values; split it")
        if not isinstance(parsed.value, Absent):
            return [parsed.value]
    if len(data) > _MAX_YAML:
        raise _unknown(name, data)
    try:
        return yaml_text.documents(data)
    except yaml_text.YamlError as error:
        raise _unknown(name, data, str(error)) from None
