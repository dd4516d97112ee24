"""HAR 1.2, as browsers and proxies save it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import (
    Entry,
    Malformed,
    content,
    from_base64,
    header_pairs,
    members,
    number,
    text,
    unix_time,
)

_FRACTION = re.compile(r":\d\d[.,]\d{3}")


def holds(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a HAR."""
    log = document.get("log")
    return isinstance(log, Mapping) and isinstance(log.get("entries", ABSENT), (list, type(None)))


def entries(document: Mapping[str, Any]) -> Iterator[Entry | tuple[int, str]]:
    """The entries of a HAR, in its order; a place and a reason for one that cannot be read."""
    for where, entry in enumerate(document["log"]["entries"] or (), 1):
        try:
            yield _entry(where, members(entry, "an entry"))
        except Malformed as error:
            yield where, str(error)


def _entry(where: int, entry: Mapping[str, Any]) -> Entry:
    request, response = members(entry.get("request"), "request"), members(entry.get("response"), "response")
    posted = request.get("postData") or {}
    body = members(response.get("content") or {}, "content")
    status = number(response.get("status", 0), "status")
    kept = body.get("text")
    return Entry(
        where=where,
        method=text(request.get("method"), "method"),
        url=text(request.get("url"), "url"),
        headers=header_pairs(request.get("headers")),
        content=_text(members(posted, "postData")),
        status=status or None,
        answer_headers=header_pairs(response.get("headers")),
        answer=_text(body),
        recorded=unix_time(entry.get("startedDateTime")),
        seconds=_seconds(entry) if _tells_order(entry.get("startedDateTime")) else None,
        unsaved=kept is None and number(body.get("size") or 0, "size") > 0,
    )


def _seconds(entry: Mapping[str, Any]) -> float | None:
    milliseconds = entry.get("time")
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) and milliseconds >= 0 else None


def _tells_order(began: object) -> bool:
    """Whether a time is exact enough to say what came first. Whole seconds are not, and the order of the file is."""
    return isinstance(began, str) and _FRACTION.search(began) is not None


def _text(body: Mapping[str, Any]) -> bytes:
    value = body.get("text")
    return from_base64(value) if body.get("encoding") == "base64" else content(value)
