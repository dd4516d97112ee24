"""Selects the recorded requests to operations of the Runs API, and dates each of them to choose its edition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl

from runs_conformance.contract.dialect import DEFAULT_FAMILY, UNKNOWN_FAMILY, recorded_family
from runs_conformance.contract.edition import DEFAULT_EDITION, V2_LAUNCH
from runs_conformance.contract.event import readable_events
from runs_conformance.contract.operation import Operation
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object
from runs_conformance.recordings import loss
from runs_conformance.recordings.entry import HeaderList, RecordedEntry, key_values, parse_time
from runs_conformance.recordings.hosts import RecognizedServers
from runs_conformance.recordings.location import LocatedRequest, locate
from runs_conformance.recordings.ordering import in_order
from runs_conformance.recordings.placeholder_times import FIRST_BETA
from runs_conformance.recordings.redaction_marker import is_marker, may_hold_markers, may_hold_variables
from runs_conformance.recordings.summary import summarize
from runs_conformance.wire import known_secrets, response, strict_json
from runs_conformance.wire import response as responses
from runs_conformance.wire.redaction import REDACTED, redact_value

_SSE_PREFIXES = (b"event:", b"data:", b":")
_MIN_KEY_LENGTH = 16
_YEAR = 365 * 86_400.0
_CREATED_AT = re.compile(rb'"created_at"\s*:\s*([0-9]{9,10})\b')
_CREATING = frozenset({"create_thread", "create_thread_and_run", "create_run", "create_message", "create_assistant"})


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """An entry that is not judged, or only judged by itself, with the reason."""

    location: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExchangePosition:
    """The position of an entry in its history. `previous_wall` is the Unix time of the previous exchange, if known."""

    program: str
    index: int
    started: float
    ended: float
    previous_wall: float | None = None


def to_exchanges(
    entries: Iterable[RecordedEntry | tuple[int, str]], program: str, edition: str | None, hosts: Sequence[str] = ()
) -> tuple[list[Exchange], list[SkippedEntry]]:
    """Convert entries to exchanges; returns these and the skipped entries, such as requests to other APIs.

    Each exchange gets the edition of its date, unless `edition` is given. If an entry has no date, the newest
    `created_at` in its response is used, else the date of the previous entry. Without exact times, entries are assumed
    to follow each other without overlap. Traffic with servers of another API is not converted; `hosts` are globs of the
    hosts to select instead. An exchange that the recorder lost in part has a `loss`, and is also listed as skipped.
    """
    skipped: list[SkippedEntry] = []
    located: dict[int, LocatedRequest] = {}
    kept: dict[int, RecordedEntry] = {}
    for entry in entries:
        position, reason = entry if isinstance(entry, tuple) else (entry.sequence_number, "")
        if isinstance(entry, RecordedEntry):
            found = locate(entry)
            if isinstance(found, str):
                reason = found
            else:
                located[position], kept[position] = found
        if reason:
            skipped.append(SkippedEntry(f"{program}:{position}", reason))
    servers = RecognizedServers(hosts)
    for position, entry in kept.items():
        servers.observe(located[position].server, entry)
    for position in [*kept]:
        if reason := servers.skip_reason(located[position].server):
            del kept[position]
            skipped.append(SkippedEntry(f"{program}:{position}", reason))
    exchanges: list[Exchange] = []
    last: float | None = None
    for index, timed in enumerate(in_order(map(summarize, kept.values())), 1):
        position = timed.entry.sequence_number
        exchange_position = ExchangePosition(program, index, timed.started, timed.ended, last)
        exchange = build_exchange(kept[position], located[position], exchange_position, edition)
        if isinstance(exchange, str):
            skipped.append(SkippedEntry(f"{program}:{position}", exchange))
            continue
        last = exchange.wall or last
        exchanges.append(exchange)
        if exchange.loss:
            skipped.append(SkippedEntry(exchange.id, exchange.loss))
    return [replace(each, index=index) for index, each in enumerate(exchanges, 1)], skipped


def to_exchange(
    entry: RecordedEntry, program: str, started: float, ended: float, edition: str | None = None
) -> Exchange | str:
    """Convert one entry with known times, from any server; a string says why it is skipped."""
    found = locate(entry)
    if isinstance(found, str):
        return found
    located, entry = found
    return build_exchange(entry, located, ExchangePosition(program, entry.sequence_number, started, ended), edition)


def build_exchange(
    entry: RecordedEntry,
    located: LocatedRequest,
    position: ExchangePosition,
    edition: str | None,
    may_be_redacted: bool | None = None,
) -> Exchange | str:
    """Build the exchange of an entry; a string says why it is skipped.

    `may_be_redacted` is what `is_suspicious` says of the entry, if that is known.
    """
    url, program = located.url, position.program
    headers = {name.lower(): value for name, value in entry.headers}
    response = _response(entry, located.defects, position.ended)
    wall = _recording_time(entry, located.operation, response) or position.previous_wall
    dated = edition or _edition(wall)
    if dated is None:
        return f"recorded before the launch of v2 on {V2_LAUNCH}"
    body, text = _body(entry.content)
    dialect = UNKNOWN_FAMILY if entry.response_only else _dialect(url, headers, response)
    if may_be_redacted is None:
        may_be_redacted = is_suspicious(entry)
    lost = located.loss or _loss(entry, located, body, response, may_be_redacted)
    if located.loss:
        response = None
    return Exchange(
        id=f"{program}:{entry.sequence_number}",
        index=position.index,
        program=program,
        operation=located.operation.name,
        request=Request(entry.method.upper(), located.path, _query(url), _redacted_headers(entry.headers), body, text),
        response=response,
        completion=Completion.UNKNOWN if response is None else Completion.ANSWERED,
        started=position.started,
        ended=position.ended,
        wall=wall or 0.0,
        path=located.ids,
        problem="no response was recorded" if response is None else None,
        edition=dated,
        dialect=dialect,
        base_path=located.server.base_path if dialect not in (DEFAULT_FAMILY, UNKNOWN_FAMILY) else "",
        loss=lost,
    )


def _loss(
    entry: RecordedEntry,
    located: LocatedRequest,
    body: JSON | Absent,
    response: Response | None,
    may_be_redacted: bool,
) -> str:
    """Describe what the recorder lost of an exchange; an empty string if nothing."""
    if may_be_redacted:
        query = dict(parse_qsl(located.url.query))
        if loss.has_redacted_ids(located.ids, query, body, response):
            return loss.IDS_REDACTED
    if response is not None:
        headers = responses.header_map(entry.response_headers)
        lost = loss.response_loss(entry, headers, entry.response_content, response, may_be_redacted)
        if lost:
            return lost
    return loss.request_loss(entry, located.operation, body)


def is_suspicious(entry: RecordedEntry) -> bool:
    """Whether anything in an entry may have been redacted."""
    return may_hold_variables(entry.url.partition("?")[0]) or may_hold_markers(
        b"\n".join((f"{entry.url}/".encode("utf-8", "replace"), entry.content, entry.response_content))
    )


def stated_time(entry: RecordedEntry) -> float | None:
    """When an entry was recorded, by its own data: its time, the header `Date`, or the newest object."""
    stated = entry.started_at
    if not entry.has_exact_times:
        date = next((value for name, value in entry.response_headers if name.lower() == "date"), None)
        stated = parse_time(date) or stated
    if stated is not None and stated >= FIRST_BETA:
        return stated
    return max(map(float, _CREATED_AT.findall(entry.response_content)), default=None)


def _response(entry: RecordedEntry, defects: tuple[str, ...], ended: float) -> Response | None:
    """The response of an entry. All events have arrived when it ended, since recordings do not contain their times."""
    if entry.status is None:
        return None
    headers = responses.header_map([(name, redact_value(name, value)) for name, value in entry.response_headers])
    if not entry.response_headers or is_marker(headers.get("content-type", "")):
        headers |= _inferred_type(entry.response_content)
    response = responses.parse_response(entry.status, headers, entry.response_content, ended)
    if not defects and not response.defects:
        return response
    # Recorders strip trailing whitespace, so a missing final blank line proves nothing.
    kept = (defect for defect in response.defects if not defect.startswith("sse: unfinished_event"))
    return replace(response, defects=(*defects, *kept))


def _inferred_type(content: bytes) -> dict[str, str]:
    """The content type of a body whose headers the recorder did not save."""
    if content.lstrip().startswith(_SSE_PREFIXES):
        return {"content-type": "text/event-stream"}
    return {} if isinstance(strict_json.parse(content).value, Absent) else {"content-type": "application/json"}


def _body(content: bytes) -> tuple[JSON | Absent, str | None]:
    if not content:
        return ABSENT, None
    value = strict_json.parse(content).value
    return (ABSENT, response.decode_excerpt(content)) if isinstance(value, Absent) else (value, None)


def _query(url: SplitResult) -> tuple[tuple[str, str], ...]:
    return tuple((name, redact_value(name, value)) for name, value in parse_qsl(url.query, keep_blank_values=True))


def remember_keys(headers: HeaderList) -> None:
    """Redact the keys in these headers from everything that this process writes."""
    keys = key_values(headers)
    known_secrets.remember(key for key in keys if len(key) >= _MIN_KEY_LENGTH and not is_marker(key))


def _redacted_headers(headers: HeaderList) -> Mapping[str, str]:
    remember_keys(headers)
    return {name: redact_value(name, value) if value != REDACTED else value for name, value in headers}


def _recording_time(entry: RecordedEntry, operation: Operation, response: Response | None) -> float | None:
    """When an entry was recorded. If the recorder's clock is years off, the times of the objects count."""
    is_exact = entry.has_exact_times
    stated = entry.started_at if is_exact else _header_time(response) or entry.started_at
    stated = None if stated is not None and stated < FIRST_BETA else stated
    created = _newest_created_at(response) if response else None
    if stated is None or created is None:
        return stated or created
    is_new = operation.name in _CREATING and response is not None and 200 <= response.status < 300
    if stated < created - _YEAR or (is_new and stated > created + _YEAR):
        stamp = _header_time(response)
        return stamp if stamp is not None and abs(stamp - created) < _YEAR else created
    return stated


def _header_time(response: Response | None) -> float | None:
    """The Unix time of the header `Date`."""
    return parse_time(response.headers.get("date")) if response else None


def _newest_created_at(response: Response) -> float | None:
    """The newest `created_at` of the objects in a response."""
    values: list[JSON] = [event.data for event in readable_events(response.events or ())]
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


def _dialect(url: SplitResult, headers: Mapping[str, str], response: Response | None) -> str:
    """The name of the dialect family of the recorded server."""
    response_headers = response.headers if response is not None else {}
    return recorded_family(url.hostname or "", dict(parse_qsl(url.query)), headers, response_headers).name
