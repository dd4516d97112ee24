"""Session records of the Azure SDK test proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.recordings.entry import (
    Entry,
    Malformed,
    as_json,
    from_base64,
    header_pairs,
    members,
    number,
    text,
)

_TEXTUAL = ("json", "text", "xml", "urlencoded", "multipart")


def holds(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a session record."""
    return isinstance(document.get("Entries"), list)


def entries(document: Mapping[str, Any]) -> Iterator[Entry | tuple[int, str]]:
    """The entries of a session, in its order; a place and a reason for one that cannot be read."""
    for where, entry in enumerate(document["Entries"], 1):
        try:
            yield _entry(where, members(entry, "an entry"))
        except Malformed as error:
            yield where, str(error)


def _entry(where: int, entry: Mapping[str, Any]) -> Entry:
    headers, answer_headers = header_pairs(entry.get("RequestHeaders")), header_pairs(entry.get("ResponseHeaders"))
    return Entry(
        where=where,
        method=text(entry.get("RequestMethod"), "RequestMethod"),
        url=text(entry.get("RequestUri"), "RequestUri"),
        headers=headers,
        content=_content(entry.get("RequestBody"), headers),
        status=number(entry.get("StatusCode"), "StatusCode"),
        answer_headers=answer_headers,
        answer=_content(entry.get("ResponseBody"), answer_headers),
    )


def _content(body: Any, headers: tuple[tuple[str, str], ...]) -> bytes:
    """A body: JSON stands as itself, text as a text or a list of its lines, anything else as base64."""
    if body is None:
        return b""
    kind = next((value.lower() for name, value in headers if name.lower() == "content-type"), "json")
    if isinstance(body, list) and "json" not in kind and all(isinstance(line, str) for line in body):
        body = "".join(body)
    if not isinstance(body, str):
        return as_json(body)
    if any(word in kind for word in _TEXTUAL):
        return body.encode("utf-8", "surrogatepass")
    return from_base64(body)
