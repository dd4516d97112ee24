"""Determines what a recorder lost of an exchange, so that it is not attributed to the server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from runs_conformance.contract.operation import Operation
from runs_conformance.model.exchange import Response
from runs_conformance.model.json import JSON, Absent
from runs_conformance.recordings.copied_stream import copy_loss
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.redaction_marker import (
    contains_redacted_id,
    hides_judged_text,
    hides_sent_text,
    is_marker,
    is_redacted_id,
)

NOT_DECODED = "the response was not decoded"
NOT_SAVED = "the recorder did not save the response"
TRUNCATED = "the recorder truncated the response"
CLIENT_DISCONNECTED = "the client disconnected before the end of the response"
REQUEST_UNKNOWN = "only the response was recorded"
REQUEST_NOT_SAVED = "the recorder did not save the request body"
REQUEST_TRUNCATED = "the recorder truncated the request body"
REQUEST_REDACTED = "the request body was redacted"
RESPONSE_REDACTED = "the response was redacted"
MISREAD = "the recorder may have misread the characters of the response"
IDS_REDACTED = "ids were redacted"

_REQUEST_LOSSES = frozenset({REQUEST_UNKNOWN, REQUEST_NOT_SAVED, REQUEST_TRUNCATED, REQUEST_REDACTED})

_BODILESS_STATUSES = frozenset({204, 205, 304})
_ENDS_TRUNCATED = re.compile(r"(?:\.\.\.|…|[\[(<]?\s*(?:\.\.\.)?\s*truncated[^\n]{0,60}[\])>]?)\s*\Z", re.IGNORECASE)
_ESCAPED_RUN = re.compile(rb"(?:\\u[0-9a-fA-F]{4}){2,}")
_ROUND_SIZES = frozenset({*(2**power for power in range(9, 27)), *(n * 10**k for n in (1, 2, 5) for k in range(3, 8))})


def request_loss(entry: RecordedEntry, operation: Operation, body: JSON | Absent) -> str:
    """Describe what the recorder lost of a request; an empty string if nothing."""
    if entry.response_only:
        return REQUEST_UNKNOWN
    if operation.body is None:
        return ""
    declared = _content_length({name.lower(): value for name, value in entry.headers})
    stated = entry.request_size if declared is None else declared
    if not entry.content:
        return REQUEST_NOT_SAVED if _had_body(entry, operation, stated) else ""
    if isinstance(body, Absent):
        text = entry.content.decode(errors="replace").strip()
        if is_marker(text):
            return REQUEST_REDACTED
        sizes = [size for size in (declared, entry.request_size) if size is not None]
        return (
            REQUEST_TRUNCATED
            if any(size > len(entry.content) for size in sizes) or _looks_truncated(entry.content)
            else ""
        )
    return REQUEST_REDACTED if hides_sent_text(body) else ""


def is_request_loss(loss: str) -> bool:
    """Whether only data of the request was lost, so that the response is whole."""
    return loss in _REQUEST_LOSSES


def _had_body(entry: RecordedEntry, operation: Operation, stated: int | None) -> bool:
    """Whether a request that was recorded without a body had one."""
    if stated is not None and stated > 0:
        return True
    is_surely_empty = stated == 0 and not any(name.lower() == "content-type" for name, _ in entry.headers)
    accepted = entry.status is not None and 200 <= entry.status < 300
    return operation.body_required and accepted and not is_surely_empty


def response_loss(
    entry: RecordedEntry, headers: Mapping[str, str], content: bytes, response: Response, may_be_redacted: bool = True
) -> str:
    """Describe what the recorder lost of a response; an empty string if nothing.

    `content` is decoded. A body that is complete in itself was not truncated, whatever sizes the recorder states.
    """
    if entry.failure and not _is_complete(response):
        return f"{CLIENT_DISCONNECTED} ({entry.failure})"
    if not content:
        return NOT_SAVED if _was_sent_with_body(entry, headers) else ""
    if may_be_redacted and _is_complete(response) and is_redacted_text(response):
        return RESPONSE_REDACTED
    if not _is_complete(response) and is_marker(content.decode(errors="replace").strip()):
        return RESPONSE_REDACTED
    declared = None if headers.get("content-encoding") else _content_length(headers)
    sizes = [size for size in (declared, entry.response_size) if size is not None]
    if _is_complete(response):
        if b"\\u00" in content and _was_misread(content, sizes):
            return MISREAD
        return copy_loss(content, response) if entry.response_only else ""
    if entry.response_only:
        return copy_loss(content, response)
    return TRUNCATED if any(size > len(content) for size in sizes) or _looks_truncated(content) else ""


def _was_misread(content: bytes, sizes: Sequence[int]) -> bool:
    """Whether a recorder may have read UTF-8 as Latin-1 or Windows-1252, and then written the text anew with escapes.

    A text of the size that the server sent was not written anew, so its characters are the server's own.
    """
    if sizes and all(size == len(content) for size in sizes):
        return False
    return any(_is_misread_utf8(run.decode()) for run in _ESCAPED_RUN.findall(content))


def _is_misread_utf8(escaped: str) -> bool:
    text = json.loads(f'"{escaped}"')
    for encoding in ("latin-1", "cp1252"):
        try:
            return not text.encode(encoding).decode().isascii()
        except UnicodeError:
            continue
    return False


def _was_sent_with_body(entry: RecordedEntry, headers: Mapping[str, str]) -> bool:
    if entry.status in _BODILESS_STATUSES:
        return False
    declared = _content_length(headers)
    if declared is not None:
        return declared > 0
    if entry.body_not_saved or entry.response_size:
        return True
    return headers.get("content-type", "").startswith("text/event-stream")


def is_redacted_text(response: Response) -> bool:
    """Whether any text of a response was redacted from which rules may conclude something."""
    return hides_judged_text(response.body) or any(hides_judged_text(event.data) for event in response.events or ())


def has_redacted_ids(
    path: Mapping[str, str], query: Mapping[str, str], body: JSON | Absent, response: Response | None
) -> bool:
    """Whether an exchange names an object by a redacted id."""
    named = [*path.values(), *(query[name] for name in ("after", "before", "run_id") if name in query)]
    answered = [] if response is None else [response.body, *(event.data for event in response.events or ())]
    return any(map(is_redacted_id, named)) or any(map(contains_redacted_id, (body, *answered)))


def _is_complete(response: Response) -> bool:
    """Whether a body is JSON, or an event stream up to its last event."""
    if response.events is not None:
        last = response.events[-1] if response.events else None
        return last is not None and (last.name in ("done", "error") or last.data == "[DONE]")
    return not isinstance(response.body, Absent)


def _looks_truncated(content: bytes) -> bool:
    """Whether a text that is not complete ends where recorders truncate: at a round size, or with a remark."""
    return len(content) in _ROUND_SIZES or _ENDS_TRUNCATED.search(content[-100:].decode(errors="replace")) is not None


def _content_length(headers: Mapping[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 15 else None
