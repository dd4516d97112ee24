"""HTTP responses: statuses, headers, error bodies and event stream frames."""

from __future__ import annotations

import json
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Events, RequestContext, ServerState
from runs_conformance.emulator.state import Run

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def success_status(operation: Operation) -> int:
    """The HTTP status of success: 200 for every operation."""
    return 200


def error_status(operation: Operation | None, error: ApiError) -> int:
    """The HTTP status of an error."""
    return error.http_status


def error_body(error: ApiError) -> Any:
    """The JSON body of an error: an `error` object with four members, the last two possibly null."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def response_body(request: RequestContext, body: Any) -> Any:
    """The JSON of a successful response, just before it is encoded."""
    return body


def encode_json(value: Any) -> bytes:
    """Compact JSON text, not restricted to ASCII."""
    return _encode(value).encode()


def response_headers(server: ServerState) -> dict[str, str]:
    """The headers of every response."""
    return {
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-request-id": f"req_{server.random.getrandbits(128):032x}",
    }


def encode_event(name: str, data: Any) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else _encode(data)
    return f"event: {name}\ndata: {text}\n\n".encode()


def expand_event(server: ServerState, run: Run, name: str, data: Any) -> Events:
    """The events to send for a change of a run or of one of its objects: one."""
    return ((name, data),)


def opening_events(server: ServerState, run: Run, events: Events) -> Events:
    """The events of a stream before those of its run."""
    return events


def closing_events(server: ServerState, run: Run) -> Events:
    """The events of a stream after those of its run."""
    return (("done", "[DONE]"),)
