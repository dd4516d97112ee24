"""A file that holds nothing but one response: a JSON body or an event stream.

The request is unknown, so only the response is judged, by itself.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import error_member
from runs_conformance.model.suggestion import did_you_mean
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.wire import strict_json

_UNKNOWN_ID = {
    "thread_id": "thread_unknown",
    "run_id": "run_unknown",
    "message_id": "msg_unknown",
    "step_id": "step_unknown",
}


def entry(data: bytes, operation: str) -> RecordedEntry:
    """The response as an exchange of an operation. Raises UsageError if there is no operation of this name."""
    declared = OPERATIONS.get(operation)
    if declared is None:
        raise UsageError(f"--as {operation!r} is not an operation{did_you_mean(operation, list(OPERATIONS))}")
    data = _as_utf8(data)
    value = strict_json.parse(data).value
    is_stream = re.match(rb"\s*(?:event|data|id|retry)?:", data) is not None
    values = {**_UNKNOWN_ID, "assistant_id": "asst_unknown", **_ids(value, declared.acts_on)}
    return RecordedEntry(
        sequence_number=1,
        method=declared.method,
        url=f"https://api.openai.com/v1{declared.url(values)}",
        status=400 if _is_error(value) else 200,
        response_headers=(("content-type", "text/event-stream" if is_stream else "application/json"),),
        response_content=data,
        response_only=True,
    )


def _as_utf8(data: bytes) -> bytes:
    """The text of a file that an editor or a shell may have written as UTF-16, or with a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _is_error(value: Any) -> bool:
    return isinstance(value, dict) and (("error" in value and "id" not in value) or error_member(value) is not None)


def _ids(value: Any, acts_on: str | None) -> dict[str, str]:
    """The path parameters that the response itself contains."""
    if not isinstance(value, dict):
        return {}
    found = {name: id_ for name, id_ in value.items() if name in _UNKNOWN_ID and isinstance(id_, str)}
    own = {"run_step": "step_id"}.get(acts_on or "", f"{acts_on}_id")
    if acts_on and isinstance(value.get("id"), str):
        found[own] = value["id"]
    return found


def describe(data: bytes) -> str:
    """Describe the likely content of a file in an unknown format, and how to convert it; an empty string if unknown."""
    start = data[:4096].lstrip()
    if data.startswith((b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\n\r\r\n")):
        return "a packet capture; open it in Wireshark with the TLS keys, or record with mitmproxy and save as HAR"
    if b"HTTP Request:" in start or b"Request options:" in start:
        return "a log of a client without its responses; log with OPENAI_LOG=debug, or use `runs-conformance proxy`"
    if start.startswith(b"SAZ") or b"Fiddler" in start:
        return "a Fiddler archive; export the sessions as HTTPArchive 1.2"
    if re.match(rb"HTTP/[\d.]+ \d{3}\b", start):
        return "the output of `curl -i`; record with `curl -v`, which also shows the request"
    return _describe_json(start, data)


def _describe_json(start: bytes, data: bytes) -> str:
    if start.startswith((b"event:", b"data:")):
        return "a bare event stream; name its operation: --as create_run"
    try:
        value = json.loads(data) if start.startswith(b"{") and len(data) < 2**24 else None
    except (ValueError, RecursionError):
        return ""
    if isinstance(value, dict) and isinstance(value.get("object"), str):
        return "a bare response; name its operation: --as get_run"
    return ""
