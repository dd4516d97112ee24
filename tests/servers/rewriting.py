"""The emulator behind a layer that rewrites its JSON responses as frameworks and gateways do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions

KEY = "sk-test-123456789012"
"""The only key that the emulator accepts."""

Rewrite = Callable[[str, int, Any], tuple[int, Any]]
"""Turns the operation's method, the status and the body of a response into status and body."""


def rewriting(rewrite: Rewrite, app: ASGIApp | None = None) -> ASGIApp:
    """An application that serves the emulator, or `app`, with every JSON response rewritten. Streams pass unchanged."""
    inner = app or build(EmulatorOptions(step_ms=2, keys=(KEY,)))

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                if not _is_json(message):
                    await send(message)
            elif not _is_json(start):
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _send_rewritten(start, body, rewrite, scope, send)

        await inner(scope, receive, collect)

    return respond


def _is_json(start: Message) -> bool:
    return any(name.lower() == b"content-type" and b"json" in value for name, value in start["headers"])


async def _send_rewritten(start: Message, body: bytes, rewrite: Rewrite, scope: Scope, send: Send) -> None:
    status, changed = rewrite(scope["method"], start["status"], json.loads(body))
    text = json.dumps(changed).encode()
    headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    await send({**start, "status": status, "headers": [*headers, (b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


def framework_errors(method: str, status: int, body: Any) -> tuple[int, Any]:
    """Errors in the form of the framework: a text in `detail`."""
    if status < 400:
        return status, body
    return (422 if status == 400 else status), {"detail": body["error"]["message"]}


def bare_lists(method: str, status: int, body: Any) -> tuple[int, Any]:
    """Lists as arrays without the envelope."""
    return status, body["data"] if isinstance(body, dict) and body.get("object") == "list" else body


def calls_in_steps(method: str, status: int, body: Any) -> tuple[int, Any]:
    """Runs that wait for tool outputs without naming the calls, which only their steps show."""
    if isinstance(body, dict) and body.get("object") == "list":
        return status, {**body, "data": [calls_in_steps(method, status, item)[1] for item in body["data"]]}
    is_run = isinstance(body, dict) and body.get("object") == "thread.run"
    return status, {**body, "required_action": None} if is_run else body


def wrong_everywhere(method: str, status: int, body: Any) -> tuple[int, Any]:
    """Names in camel case, times as text, errors with status 200, ids as numbers and a megabyte of padding."""
    if status >= 400:
        return 200, {"success": False, "reason": body["error"]["message"]}
    return status, _distort(body)


def _distort(value: Any) -> Any:
    if isinstance(value, list):
        return {"items": [_distort(item) for item in value]}
    if not isinstance(value, dict):
        return value
    out = {name: _distort(member) for name, member in value.items()}
    for name in ("created_at", "completed_at", "started_at"):
        if isinstance(out.get(name), int):
            out[name] = str(out[name])
    if out.get("object") == "thread.run":
        out["status"] = str(out["status"]).upper()
        out["padding"] = "x" * 20_000
    out.pop("metadata", None)
    return out
