"""HAR 1.2 files of browsers and proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import (
    HeaderList,
    MalformedEntryError,
    RecordedEntry,
    decode_base64,
    has_header,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)
from runs_conformance.wire.redaction import REDACTED

_EXACT_TIME = re.compile(r":\d\d[.,]\d{3,}(?:Z|[+-]\d\d:?\d\d)\Z", re.IGNORECASE)
_FAILURES = ("_error", "_failureText", "_errorText", "_wasAborted", "_canceled")
_CACHED = ("_fromCache", "_fromDiskCache", "_servedFromCache", "_fetchedViaServiceWorker")
_FAILURE_NAMES, _CACHE_NAMES = frozenset(_FAILURES), frozenset(_CACHED)
_API_TYPES = ("application/json", "text/event-stream")
_TRUNCATED = re.compile(r"\btruncat|\bnot saved\b|\btoo large\b|\bomitted\b", re.IGNORECASE)


def is_har(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a HAR."""
    log = document.get("log")
    return isinstance(log, Mapping) and isinstance(log.get("entries", ABSENT), (list, type(None)))


def entries(document: Mapping[str, Any]) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The entries of a HAR in file order; position and reason for each that cannot be read."""
    for where, entry in enumerate(document["log"]["entries"] or (), 1):
        yield read_entry(where, entry)


def read_entry(where: int, entry: Any) -> RecordedEntry | tuple[int, str]:
    """One entry, or its position and the reason why it cannot be read."""
    try:
        return _entry(where, require_object(entry, "an entry"))
    except MalformedEntryError as error:
        return where, str(error)


def _entry(where: int, entry: Mapping[str, Any]) -> RecordedEntry:
    request, response = (
        require_object(entry.get("request"), "request"),
        require_object(entry.get("response"), "response"),
    )
    posted = require_object(request.get("postData") or {}, "postData")
    body = require_object(response.get("content") or {}, "content")
    status = require_int(response.get("status") or 0, "status")
    began, seconds = entry.get("startedDateTime"), _seconds(entry)
    size, sent_size = _size(body.get("size")), _size(response.get("bodySize"))
    if not size and not (size == 0 and sent_size == 0):
        size = sent_size if sent_size else None
    return RecordedEntry(
        sequence_number=where,
        method=require_text(request.get("method"), "method"),
        url=require_text(request.get("url"), "url"),
        headers=_with_type(parse_headers(request.get("headers")), posted),
        content=_text(posted),
        status=status if status > 0 else None,
        response_headers=_with_response_type(parse_headers(response.get("headers")), body),
        response_content=_text(body),
        started_at=parse_time(began),
        seconds=seconds,
        has_exact_times=seconds is not None and _has_subsecond_time(began),
        request_size=_size(request.get("bodySize")),
        response_size=size,
        body_not_saved=_was_dropped(body),
        failure=_failure(entry, response),
        is_cached=_came_from_cache(entry, response),
    )


def _with_type(headers: HeaderList, body: Mapping[str, Any]) -> HeaderList:
    """Add the media type that the HAR states for the body, if the recorder did not save the header.

    Only the types of this API count, since browsers guess a type for content that was sent without one.
    """
    kind = body.get("mimeType")
    if not isinstance(kind, str) or has_header(headers, "content-type"):
        return headers
    return (*headers, ("content-type", kind)) if kind.lower().startswith(_API_TYPES) else headers


def _with_response_type(headers: HeaderList, body: Mapping[str, Any]) -> HeaderList:
    """Mark the media type of a response as unknown if its recorder dropped the media type, which HAR requires."""
    headers = _with_type(headers, body)
    if body.get("mimeType") is not None or has_header(headers, "content-type"):
        return headers
    return (*headers, ("content-type", REDACTED))


def _seconds(entry: Mapping[str, Any]) -> float | None:
    milliseconds = entry.get("time")
    if not isinstance(milliseconds, (int, float)) or isinstance(milliseconds, bool):
        return None
    return milliseconds / 1000 if 0 <= milliseconds < 10**9 else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _has_subsecond_time(began: object) -> bool:
    """Whether a time is exact enough to order exchanges: it has fractions of a second, and a zone."""
    return isinstance(began, str) and _EXACT_TIME.search(began.strip()) is not None


def _was_dropped(body: Mapping[str, Any]) -> bool:
    comment = body.get("comment")
    return body.get("text") is None and isinstance(comment, str) and _TRUNCATED.search(comment) is not None


def _failure(*places: Mapping[str, Any]) -> str:
    """The recorder's message about a request that failed on the client's side."""
    for place in places:
        if _FAILURE_NAMES.isdisjoint(place):
            continue
        for name in _FAILURES:
            if value := place.get(name):
                return value[:100] if isinstance(value, str) else name.strip("_")
    return ""


def _came_from_cache(entry: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
    """Whether the client's cache answered, perhaps with an old response."""
    if response.get("status") == 304:
        return True
    if _CACHE_NAMES.isdisjoint(entry) and _CACHE_NAMES.isdisjoint(response):
        return False
    return any(bool(entry.get(name) or response.get(name)) for name in _CACHED)


def _text(body: Mapping[str, Any]) -> bytes:
    """A body. Polly calls a JSON list of base64 pieces base64; no base64 text starts with a bracket."""
    value = body.get("text")
    is_base64 = body.get("encoding") == "base64" and not (isinstance(value, str) and value.startswith("["))
    if isinstance(value, str) and not is_base64 and not value.isascii():
        value = _repair_encoding(value)
    return decode_base64(value) if is_base64 else parse_body(value)


def _repair_encoding(text: str) -> str:
    """The text that a recorder read as Latin-1 or Windows-1252, though it was UTF-8."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode()
        except UnicodeError:
            continue
    return text
