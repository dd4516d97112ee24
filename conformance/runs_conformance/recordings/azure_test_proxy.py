"""Session records of the Azure SDK test proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.recordings.entry import (
    MalformedEntryError,
    RecordedEntry,
    decode_base64,
    encode_json,
    parse_headers,
    require_int,
    require_object,
    require_text,
)

_TEXTUAL = ("json", "text", "xml", "urlencoded", "multipart")


def is_session_record(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a session record."""
    return isinstance(document.get("Entries"), list)


def entries(document: Mapping[str, Any]) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The entries of a session in file order; position and reason for each that cannot be read."""
    for where, entry in enumerate(document["Entries"], 1):
        try:
            yield _entry(where, require_object(entry, "an entry"))
        except MalformedEntryError as error:
            yield where, str(error)


def _entry(where: int, entry: Mapping[str, Any]) -> RecordedEntry:
    headers, response_headers = parse_headers(entry.get("RequestHeaders")), parse_headers(entry.get("ResponseHeaders"))
    return RecordedEntry(
        sequence_number=where,
        method=require_text(entry.get("RequestMethod"), "RequestMethod"),
        url=require_text(entry.get("RequestUri"), "RequestUri"),
        headers=headers,
        content=_content(entry.get("RequestBody"), headers),
        status=require_int(entry.get("StatusCode"), "StatusCode"),
        response_headers=response_headers,
        response_content=_content(entry.get("ResponseBody"), response_headers),
    )


def _content(body: Any, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Decode a body: JSON is stored as JSON, text as a string or a list of lines, other content as base64."""
    if body is None:
        return b""
    kind = next((value.lower() for name, value in headers if name.lower() == "content-type"), "json")
    if isinstance(body, list) and "json" not in kind and all(isinstance(line, str) for line in body):
        body = "".join(body)
    if not isinstance(body, str):
        return encode_json(body)
    if any(word in kind for word in _TEXTUAL):
        return body.encode("utf-8", "surrogatepass")
    return decode_base64(body)
