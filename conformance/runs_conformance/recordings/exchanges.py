"""Which recorded entries belong to the Runs surface, and by which contract each of them is judged."""

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
from runs_conformance.recordings.entry import Entry, Pairs, unix_time
from runs_conformance.wire import response, strict_json
from runs_conformance.wire import response as responses
from runs_conformance.wire.content_encoding import Decoder, TooLarge, Undecodable
from runs_conformance.wire.redaction import REDACTED, shown_value

_AZURE_HOST = re.compile(r"(\.azure\.com|\.azure-api\.net|\.azure\.us|\.azure\.cn)\Z")
_PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_SSE = (b"event:", b"data:", b":")
_GAP = 0.5


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is not judged, and why."""

    where: str
    reason: str


def exchanges(
    entries: Iterable[Entry | tuple[int, str]], program: str, edition: str | None
) -> tuple[list[Exchange], list[Skipped]]:
    """The exchanges of the surface among these entries, and the entries that are none.

    Each gets the edition of its own date, unless `edition` is given. Where an entry says nothing of when it was
    recorded, the newest `created_at` in its answer stands for it, else the date of the entry before. Recordings hold
    an order, so entries follow each other without overlap, unless the format tells times.
    """
    found: list[Exchange] = []
    skipped: list[Skipped] = []
    last: float | None = None
    for position, entry in enumerate(entries):
        if isinstance(entry, tuple):
            skipped.append(Skipped(f"{program}:{entry[0]}", entry[1]))
            continue
        read = _exchange(entry, program, position, last, edition)
        if isinstance(read, str):
            skipped.append(Skipped(f"{program}:{entry.where}", read))
        else:
            last = read.wall or last
            found.append(read)
    return _numbered(found), skipped


def _exchange(entry: Entry, program: str, position: int, last: float | None, edition: str | None) -> Exchange | str:
    try:
        url = urlsplit(entry.url)
        located = locate(entry.method, url.path)
    except ValueError:
        return f"not a URL: {entry.url[:100]!r}"
    if located is None:
        return f"not of the Runs surface: {entry.method.upper()} {url.path[:100]}"
    path, operation, ids = located
    headers = {name.lower(): value for name, value in entry.headers}
    if "assistants=v1" in headers.get("openai-beta", ""):
        return "assistants=v1, the earlier beta"
    if entry.unsaved or (not entry.answer and responses.is_event_stream(responses.header_map(entry.answer_headers))):
        return "its answer was not saved by the recorder"
    if _unreadable(entry):
        return "its answer is in a content encoding that cannot be undone here"
    response = _response(entry)
    wall = _recorded(entry, response) or last
    dated = edition or _edition(wall)
    if dated is None:
        return f"recorded before {V2_LAUNCH}, when there was no v2"
    started, ended = float(position), position + _GAP
    if entry.seconds is not None and entry.recorded is not None:
        started, ended = entry.recorded, entry.recorded + entry.seconds
    body, text = _body(entry.content)
    return Exchange(
        id=f"{program}:{entry.where}",
        index=position,
        program=program,
        operation=operation.name,
        request=Request(entry.method.upper(), path, _query(url), _shown(entry.headers), body, text),
        response=_told_by(ended, response),
        completion=Completion.UNKNOWN if response is None else Completion.ANSWERED,
        started=started,
        ended=ended,
        wall=wall or 0.0,
        path=ids,
        problem="no answer was recorded" if response is None else None,
        edition=dated,
        dialect="azure" if _is_azure(url, headers, response) else "openai",
    )


def locate(method: str, path: str) -> tuple[str, Operation, dict[str, str]] | None:
    """The path below the base, the operation and its path ids, whatever stands before `/threads` or `/assistants`.

    The last place that fits is taken: projects and deployments may bear such names, ids do not.
    """
    for start in reversed(list(re.finditer(r"/(?=(?:threads|assistants)(?:/|\Z))", path))):
        below = path[start.start() :]
        if found := find_operation(method, below):
            operation, ids = found
            return below, operation, {name: unquote(value) for name, value in ids.items()}
    return None


def _response(entry: Entry) -> Response | None:
    if entry.status is None:
        return None
    headers = responses.header_map((name, shown_value(name, value)) for name, value in entry.answer_headers)
    content, defects = _unpacked(entry.answer, headers.get("content-encoding", ""))
    response = responses.read(entry.status, headers, content)
    # Recorders trim the end of a text, so that a missing last empty line is no evidence.
    kept = (defect for defect in response.defects if not defect.startswith("sse: unfinished_event"))
    return replace(response, defects=(*defects, *kept))


def _told_by(moment: float, response: Response | None) -> Response | None:
    """The answer with its events by that moment: when each of them came is not recorded."""
    if response is None or response.events is None:
        return response
    return replace(response, events=tuple(replace(event, at=moment) for event in response.events))


def _unpacked(content: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """The content without its content encoding; recorders keep the header of one that they have already undone."""
    if not encoding or not content.startswith(_PACKED):
        return content, ()
    try:
        return Decoder(encoding, strict_json.MAX_BYTES).feed(content), ()
    except TooLarge:
        return b"", ("too_large",)
    except Undecodable as error:
        return content, (f"content_encoding: {error}",)


def _unreadable(entry: Entry) -> bool:
    """Whether the answer is still packed in an encoding that may be used and is not undone here (`br`, `zstd`)."""
    encoding = responses.header_map(entry.answer_headers).get("content-encoding", "")
    try:
        Decoder(encoding)
    except Undecodable:
        return isinstance(strict_json.parse(entry.answer).value, Absent) and not entry.answer.lstrip().startswith(_SSE)
    return False


def _body(content: bytes) -> tuple[JSON | Absent, str | None]:
    if not content:
        return ABSENT, None
    value = strict_json.parse(content).value
    return (ABSENT, response.shown(content)) if isinstance(value, Absent) else (value, None)


def _query(url: SplitResult) -> tuple[tuple[str, str], ...]:
    return tuple((name, shown_value(name, value)) for name, value in parse_qsl(url.query, keep_blank_values=True))


def _shown(headers: Pairs) -> Mapping[str, str]:
    return {name: shown_value(name, value) if value != REDACTED else value for name, value in headers}


def _recorded(entry: Entry, response: Response | None) -> float | None:
    if entry.recorded is not None and entry.seconds is not None:
        return entry.recorded
    stamps = response.headers.get("date") if response else None
    return unix_time(stamps) or entry.recorded or (_newest(response) if response else None)


def _newest(response: Response) -> float | None:
    """The newest `created_at` of the objects in an answer."""
    values: list[JSON] = [event.data for event in response.events or ()]
    if is_object(response.body):
        values.append(response.body)
        listed = response.body.get("data")
        values.extend(listed if is_array(listed) else ())
    stamps = [value["created_at"] for value in values if is_object(value) and "created_at" in value]
    return max((float(stamp) for stamp in stamps if isinstance(stamp, int) and 0 < stamp < 10**11), default=None)


def _edition(wall: float | None) -> str | None:
    """The edition of a moment: its date, but none after the last edition; None before there was a v2."""
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


def _numbered(found: list[Exchange]) -> list[Exchange]:
    """The exchanges in the order in which they began, counted."""
    ordered = sorted(found, key=lambda exchange: (exchange.started, exchange.index))
    return [replace(exchange, index=index) for index, exchange in enumerate(ordered, 1)]
