"""Flow files of mitmproxy, which its own library reads."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.recordings.entry import RecordedEntry

_START = re.compile(
    rb"\A\d{1,9}:.{0,200}?(?:9:websocket|8:response|4:type;?|7:version|9:client_conn|4:http)", re.DOTALL
)
_REMEDY = "install runs-conformance[mitmproxy], or export it with `mitmdump -nr FILE --set hardump=session.har`"


def is_flow_file(data: bytes) -> bool:
    """Whether a file begins as a flow file does: a netstring that holds the members of a flow."""
    return _START.match(data[:4096]) is not None


def entries(data: bytes) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The HTTP exchanges of a flow file. Raises UsageError if the library is missing."""
    try:
        reader = import_module("mitmproxy.io").FlowReader(io.BytesIO(data))
        flow_type = import_module("mitmproxy.http").HTTPFlow
        problem = import_module("mitmproxy.exceptions").FlowReadException
    except ImportError:
        raise UsageError(f"a mitmproxy flow file; {_REMEDY}") from None
    except Exception as error:  # Its libraries may not fit each other.
        raise UsageError(f"a mitmproxy flow file, but mitmproxy cannot be loaded ({error}); {_REMEDY}") from None
    return _read(reader, flow_type, problem)


def _read(reader: Any, flow_type: type, problem: type[Exception]) -> Iterator[RecordedEntry | tuple[int, str]]:
    position = 0
    try:
        for flow in reader.stream():
            if isinstance(flow, flow_type):
                position += 1
                yield _entry(position, flow)
    except problem as error:
        yield position + 1, f"the file is truncated ({error})"


def _entry(position: int, flow: Any) -> RecordedEntry:
    request, response = flow.request, flow.response
    ended = response.timestamp_end if response is not None else None
    return RecordedEntry(
        sequence_number=position,
        method=request.method,
        url=request.pretty_url,
        headers=_headers(request),
        content=_content(request),
        status=None if response is None else response.status_code,
        response_headers=() if response is None else _headers(response),
        response_content=b"" if response is None else _content(response),
        started_at=request.timestamp_start,
        seconds=None if ended is None else ended - request.timestamp_start,
        has_exact_times=ended is not None,
        body_not_saved=response is not None and response.raw_content is None,
        failure="" if flow.error is None else str(flow.error.msg)[:100],
    )


def _headers(message: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.headers.fields)


def _content(message: Any) -> bytes:
    content: bytes | None = message.raw_content
    return content or b""
