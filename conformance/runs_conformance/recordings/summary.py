"""The properties of recorded entries on which their order depends, without their bodies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from runs_conformance.recordings.entry import HeaderList, RecordedEntry
from runs_conformance.recordings.redaction_marker import is_marker

_CREATED_ID = re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"')
_ID_IN_PATH = re.compile(r"/(?:threads|runs|messages|assistants)/([^/?#]{1,100})")
_REQUEST_IDS = frozenset({"x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "cf-ray"})
_MIN_REQUEST_ID = 8


class OrderedEntry(Protocol):
    """The properties of an entry that determine its position."""

    @property
    def sequence_number(self) -> int:
        """The position in the file."""

    @property
    def started_at(self) -> float | None:
        """The Unix time of the start."""

    @property
    def seconds(self) -> float | None:
        """The duration."""

    @property
    def has_exact_times(self) -> bool:
        """Whether both are exact enough to order entries by."""

    @property
    def address(self) -> int:
        """The hash of method and URL."""

    @property
    def identity(self) -> int:
        """The hash of method, URL and the request id that the response names; 0 if there is none."""

    @property
    def request(self) -> int:
        """The hash of the request body; 0 if there is none."""

    @property
    def response(self) -> int:
        """The hash of the response body; 0 if there is none."""

    @property
    def size(self) -> int:
        """The number of bytes of both bodies."""

    @property
    def created(self) -> tuple[int, ...]:
        """Hashes of the ids that a response shows as created; empty for an entry with exact times."""

    @property
    def used(self) -> tuple[int, ...]:
        """Hashes of the ids that the path names; empty for an entry with exact times."""


@dataclass(slots=True)
class EntrySummary:
    """An `OrderedEntry` that holds its properties."""

    sequence_number: int
    started_at: float | None
    seconds: float | None
    has_exact_times: bool
    address: int
    identity: int
    request: int
    response: int
    size: int
    created: tuple[int, ...] = ()
    used: tuple[int, ...] = ()


def summarize(entry: RecordedEntry) -> EntrySummary:
    """Summarize an entry."""
    address = hash((entry.method, entry.url))
    created: tuple[int, ...] = ()
    used: tuple[int, ...] = ()
    if not entry.has_exact_times:
        used = tuple(map(hash, _ID_IN_PATH.findall(urlsplit(entry.url).path)))
        if entry.method.upper() == "POST":
            shown = _CREATED_ID.findall(entry.response_content[:4000])
            ids = (hash(id_.decode(errors="replace")) for id_ in shown)
            created = tuple(id_ for id_ in ids if id_ not in used)  # The path of a creation does not name the object.
    return EntrySummary(
        entry.sequence_number,
        entry.started_at,
        entry.seconds,
        entry.has_exact_times,
        address,
        _identity(address, entry),
        hash(entry.content),
        hash((entry.status, entry.response_content)) if entry.response_content else 0,
        len(entry.content) + len(entry.response_content),
        created,
        used,
    )


def request_id(headers: HeaderList) -> str:
    """The header of a response that names the request, as `name: value`; an empty string if there is none."""
    for name, value in headers:
        if len(value) >= _MIN_REQUEST_ID and (lower := name.lower()) in _REQUEST_IDS and not is_marker(value):
            return f"{lower}: {value}"
    return ""


def _identity(address: int, entry: RecordedEntry) -> int:
    found = request_id(entry.response_headers)
    return hash((address, found)) if found else 0
