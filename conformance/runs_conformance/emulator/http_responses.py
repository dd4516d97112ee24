"""How answers leave: HTTP statuses, headers, the error envelope, and the frames of an event stream."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Run


def success(operation: Operation) -> int:
    """The HTTP status of success: 200 for everything."""
    return 200


def refusal_status(operation: Operation | None, refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return refusal.http_status


def envelope(refusal: Refusal) -> Any:
    """The body of a refusal: four members, the last two null where they say nothing."""
    error = {"message": refusal.message, "type": refusal.type, "param": refusal.param, "code": refusal.code}
    return {"error": error}


def finished(call: Call, answer: Any) -> Any:
    """A successful answer's JSON, just before it is encoded."""
    return answer


def encode(value: Any) -> bytes:
    """JSON text, compact, with characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def headers(world: World) -> dict[str, str]:
    """The headers of every answer."""
    return {
        "openai-version": "2020-10-01",
        "openai-processing-ms": "1",
        "x-request-id": f"req_{world.random.getrandbits(128):032x}",
    }


def frame(name: str, data: Any) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()


def events(world: World, run: Run, name: str, data: Any) -> Iterable[tuple[str, Any]]:
    """What followers are told when something happens: one event."""
    return ((name, data),)


def opening(world: World, run: Run, told: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    """What a stream begins with, before the run's own events."""
    return told


def ending(world: World, run: Run) -> Iterable[tuple[str, Any]]:
    """What a stream ends with."""
    return (("done", "[DONE]"),)
