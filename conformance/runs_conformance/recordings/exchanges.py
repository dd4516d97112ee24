"""Selects the recorded entries of the Runs surface, and dates each of them to choose its edition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from runs_conformance.contract.edition import DEFAULT_EDITION, V2_LAUNCH
from runs_conformance.contract.operation import Operation, find_operation
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object
from runs_conformance.recordings.entry import Pairs, RecordedEntry, parse_time
from runs_conformance.wire import response, strict_json
from runs_conformance.wire import response as responses
from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError
from runs_conformance.wire.redaction import REDACTED, redact_value

_AZURE_HOST = re.compile(r"(\.azure\.com|\.azure-api\.net|\.azure\.us|\.azure\.cn)\Z")
_COMPRESSION_MAGIC = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_SSE_PREFIXES = (b"event:", b"data:", b":")
_ASSUMED_DURATION = 0.5


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """An entry that is not judged, with the reason."""

    location: str
    reason: str


def to_exchanges(
    entries: Iterable[RecordedEntry | tuple[int, str]], program: str, edition: str | None
) -> tuple[list[Exchange], list[SkippedEntry]]:
    """Convert entries to exchanges of the surface; returns these and the skipped entries.

    Each exchange gets the edition of its date, unless `edition` is given. If an entry has no date, the newest
    `created_at` in its response is used, else the date of the previous entry. Without times, entries are assumed to
    follow each other without overlap.
    """
    found: list[Exchange] = []
    skipped: list[SkippedEntry] = []
    last: float | None = None
    for position, entry in enumerate(entries):
        if isinstance(entry, tuple):
            skipped.append(SkippedEntry(f"{program}:{entry[0]}", entry[1]))
            continue
        read = _exchange(entry, program, position, last, edition)
        if isinstance(read, str):
            skipped.append(SkippedEntry(f"{program}:{entry.position}", read))
        else:
            last = read.wall or last
            found.append(read)
    return _renumber(found), skipped


def _exchange(
    entry: RecordedEntry, program: str, position: int, last: float | None, edition: str | None
) -> Exchange | str:
    try:
        url = urlsplit(entry.url)
        located = match_operation(entry.method, url.path)
    except ValueError:
        return f"not a URL: {entry.url[:100]!r}"
    if located is None:
        return f"not part of the Runs surface: {entry.method.upper()} {url.path[:100]}"
    path, operation, ids = located
    headers = {name.lower(): value for name, value in entry.headers}
    if "assistants=v1" in headers.get("openai-beta", ""):
        return "assistants=v1, the earlier beta"
    if entry.body_not_saved or (
        not entry.response_content and responses.is_event_stream(responses.header_map(entry.response_headers))
    ):
        return "the recorder did not save the response"
    if _is_undecodable(entry):
        return "the content encoding of the response is not supported"
    response = _response(entry)
    wall = _recording_time(entry, response) or last
    dated = edition or _edition(wall)
    if dated is None:
        return f"recorded before the launch of v2 on {V2_LAUNCH}"
    started, ended = float(position), position + _ASSUMED_DURATION
    if entry.seconds is not None and entry.started_at is not None:
        started, ended = entry.started_at, entry.started_at + entry.seconds
    body, text = _body(entry.content)
    return Exchange(
        id=f"{program}:{entry.position}",
        index=position,
        program=program,
        operation=operation.name,
        request=Request(entry.method.upper(), path, _query(url), _redacted_headers(entry.headers), body, text),
        response=_with_event_times(ended, response),
        completion=Completion.UNKNOWN if response is None else Completion.ANSWERED,
        started=started,
        ended=ended,
        wall=wall or 0.0,
        path=ids,
        problem="no response was recorded" if response is None else None,
        edition=dated,
        dialect="azure" if _is_azure(url, headers, response) else "openai",
    )


def match_operation(method: str, path: str) -> tuple[str, Operation, dict[str, str]] | None:
    """Match a path to an operation: the path below the base URL, the operation, and its path parameters.

    The last `/threads` or `/assistants` that matches counts, because projects and deployments may have such names, but
    ids do not.
    """
    for start in reversed(list(re.finditer(r"/(?=(?:threads|assistants)(?:/|\Z))", path))):
        below = path[start.start() :]
        if found := find_operation(method, below):
            operation, ids = found
            return below, operation, {name: unquote(value) for name, value in ids.items()}
    return None


def _response(entry: RecordedEntry) -> Response | None:
    if entry.status is None:
        return None
    headers = responses.header_map((name, redact_value(name, value)) for name, value in entry.response_headers)
    content, defects = _decode_content(entry.response_content, headers.get("content-encoding", ""))
    response = responses.parse_response(entry.status, headers, content)
    # Recorders strip trailing whitespace, so a missing final blank line proves nothing.
    kept = (defect for defect in response.defects if not defect.startswith("sse: unfinished_event"))
    return replace(response, defects=(*defects, *kept))


def _with_event_times(moment: float, response: Response | None) -> Response | None:
    """Set the arrival time of all events to this moment, since recordings do not contain it."""
    if response is None or response.events is None:
        return response
    return replace(response, events=tuple(replace(event, at=moment) for event in response.events))


def _decode_content(content: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """Remove the content encoding, if it is still there; recorders keep the header after decoding."""
    if not encoding or not content.startswith(_COMPRESSION_MAGIC):
        return content, ()
    try:
        return Decoder(encoding, strict_json.MAX_BYTES).feed(content), ()
    except TooLargeError:
        return b"", ("too_large",)
    except DecodeError as error:
        return content, (f"content_encoding: {error}",)


def _is_undecodable(entry: RecordedEntry) -> bool:
    """Whether the response is still compressed with an encoding that is not supported here (`br`, `zstd`)."""
    encoding = responses.header_map(entry.response_headers).get("content-encoding", "")
    try:
        Decoder(encoding)
    except DecodeError:
        return isinstance(
            strict_json.parse(entry.response_content).value, Absent
        ) and not entry.response_content.lstrip().startswith(_SSE_PREFIXES)
    return False


def _body(content: bytes) -> tuple[JSON | Absent, str | None]:
    if not content:
        return ABSENT, None
    value = strict_json.parse(content).value
    return (ABSENT, response.decode_excerpt(content)) if isinstance(value, Absent) else (value, None)


def _query(url: SplitResult) -> tuple[tuple[str, str], ...]:
    return tuple((name, redact_value(name, value)) for name, value in parse_qsl(url.query, keep_blank_values=True))


def _redacted_headers(headers: Pairs) -> Mapping[str, str]:
    return {name: redact_value(name, value) if value != REDACTED else value for name, value in headers}


def _recording_time(entry: RecordedEntry, response: Response | None) -> float | None:
    if entry.started_at is not None and entry.seconds is not None:
        return entry.started_at
    stamps = response.headers.get("date") if response else None
    return parse_time(stamps) or entry.started_at or (_newest_created_at(response) if response else None)


def _newest_created_at(response: Response) -> float | None:
    """The newest `created_at` of the objects in a response."""
    values: list[JSON] = [event.data for event in response.events or ()]
    if is_object(response.body):
        values.append(response.body)
        listed = response.body.get("data")
        values.extend(listed if is_array(listed) else ())
    stamps = [value["created_at"] for value in values if is_object(value) and "created_at" in value]
    return max((float(stamp) for stamp in stamps if isinstance(stamp, int) and 0 < stamp < 10**11), default=None)


def _edition(wall: float | None) -> str | None:
    """The edition for a Unix time: its date, at most the last edition; None before the launch of v2."""
    if wall is None:
        return DEFAULT_EDITION
    date = datetime.fromtimestamp(min(max(wall, 0.0), 4e9), UTC).date().isoformat()
    return None if date < V2_LAUNCH else min(date, DEFAULT_EDITION)


def _is_azure(url: SplitResult, headers: Mapping[str, str], response: Response | None) -> bool:
    return (
        _AZURE_HOST.search(url.hostname or "") is not None
        or "api-version" in dict(parse_qsl(url.query))
        or "api-key" in headers
        or (response is not None and "apim-request-id" in response.headers)
    )


def _renumber(found: list[Exchange]) -> list[Exchange]:
    """Sort exchanges by start time and number them."""
    ordered = sorted(found, key=lambda exchange: (exchange.started, exchange.index))
    return [replace(exchange, index=index) for index, exchange in enumerate(ordered, 1)]
