"""HAR 1.2 files of browsers and proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import (
    MalformedEntryError,
    RecordedEntry,
    decode_base64,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)

_FRACTION = re.compile(r":\d\d[.,]\d{3}")


def is_har(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a HAR."""
    log = document.get("log")
    return isinstance(log, Mapping) and isinstance(log.get("entries", ABSENT), (list, type(None)))


def entries(document: Mapping[str, Any]) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The entries of a HAR in file order; position and reason for each that cannot be read."""
    for where, entry in enumerate(document["log"]["entries"] or (), 1):
        try:
            yield _entry(where, require_object(entry, "an entry"))
        except MalformedEntryError as error:
            yield where, str(error)


def _entry(where: int, entry: Mapping[str, Any]) -> RecordedEntry:
    request, response = (
        require_object(entry.get("request"), "request"),
        require_object(entry.get("response"), "response"),
    )
    posted = request.get("postData") or {}
    body = require_object(response.get("content") or {}, "content")
    status = require_int(response.get("status", 0), "status")
    kept = body.get("text")
    return RecordedEntry(
        position=where,
        method=require_text(request.get("method"), "method"),
        url=require_text(request.get("url"), "url"),
        headers=parse_headers(request.get("headers")),
        content=_text(require_object(posted, "postData")),
        status=status or None,
        response_headers=parse_headers(response.get("headers")),
        response_content=_text(body),
        started_at=parse_time(entry.get("startedDateTime")),
        seconds=_seconds(entry) if _has_subsecond_time(entry.get("startedDateTime")) else None,
        body_not_saved=kept is None and require_int(body.get("size") or 0, "size") > 0,
    )


def _seconds(entry: Mapping[str, Any]) -> float | None:
    milliseconds = entry.get("time")
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) and milliseconds >= 0 else None


def _has_subsecond_time(began: object) -> bool:
    """Whether a time is exact enough to order exchanges; with whole seconds, the file order is used."""
    return isinstance(began, str) and _FRACTION.search(began) is not None


def _text(body: Mapping[str, Any]) -> bytes:
    value = body.get("text")
    return decode_base64(value) if body.get("encoding") == "base64" else parse_body(value)
