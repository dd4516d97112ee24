"""Faults of whole servers, to combine with mutants: missing operations, failing steps, crashes and random refusals.

`emulator_host` registers each fault as a mutant and serves it by its name.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from runs_conformance.contract.operation import Operation, find_operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.declaration import Mutant, register
from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.state import Run, Thread
from runs_conformance.model.source import Level
from tests.fakes import drop_connection

ABSENT = (
    "create_thread_and_run",
    "modify_run",
    "cancel_run",
    "submit_tool_outputs",
    "list_runs",
    "list_run_steps",
    "get_run_step",
    "modify_message",
    "modify_thread",
    "modify_assistant",
    "delete_assistant",
    "list_messages",
)
FAILING = (
    "create_run",
    "create_thread_and_run",
    "cancel_run",
    "submit_tool_outputs",
    "list_run_steps",
    "modify_thread",
)
STUCK = ("queued", "in_progress", "cancelling")
RANDOM_REFUSALS = (8, 25)
CRASHES = (60, 700, 1600)


def names() -> list[str]:
    """The names of all faults."""
    return [name for name, _ in _faults()]


def _faults() -> Iterator[tuple[str, Callable[[Hooks], None]]]:
    for operation in ABSENT:
        yield f"absent:{operation}", partial(_remove_route, operation)
    for operation in FAILING:
        yield f"fails:{operation}", partial(_answer_always, operation, 500, {"detail": "Internal Server Error"})
    for status in STUCK:
        yield f"stuck:{status}", partial(_keep_status, status)
    for every in RANDOM_REFUSALS:
        yield f"random_500:{every}", partial(_fail_at_random, every)
    for count in CRASHES:
        yield f"dies:{count}", partial(_die_after, count)
    yield "refuses:tool_choice", partial(_refuse_member, "tool_choice")
    yield "refuses:additional_messages", partial(_refuse_member, "additional_messages")
    yield "cuts_streams", _cut_streams


def _intercept(hooks: Hooks, answer: Callable[[Operation | None], tuple[int, Any] | None]) -> None:
    """Answer requests before the emulator sees them; None lets it answer."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def intercepting(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["path"].partition(BASE)[2]
            found = find_operation(scope["method"], path) if scope["type"] == "http" else None
            instead = answer(found[0] if found else None)
            if instead is None:
                await app(scope, receive, send)
                return
            status, body = instead
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

        return intercepting

    hooks.middleware.append(middleware)


def _answer_always(name: str, status: int, body: Any, hooks: Hooks) -> None:
    _intercept(hooks, lambda operation: (status, body) if operation is not None and operation.name == name else None)


def _remove_route(name: str, hooks: Hooks) -> None:
    """Answer an operation as the server answers unknown paths."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def redirecting(scope: Scope, receive: Receive, send: Send) -> None:
            found = find_operation(scope["method"], scope["path"].partition(BASE)[2])
            if found is not None and found[0].name == name:
                scope = {**scope, "method": "GET", "path": scope["path"].partition(BASE)[0] + f"{BASE}/no-such-route"}
            await app(scope, receive, send)

        return redirecting

    hooks.middleware.append(middleware)


def _fail_at_random(every: int, hooks: Hooks) -> None:
    draw = random.Random(every)
    body = {"error": {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}}
    _intercept(hooks, lambda operation: (500, body) if draw.randrange(every) == 0 else None)


def _die_after(count: int, hooks: Hooks) -> None:
    seen = 0

    def middleware(app: ASGIApp) -> ASGIApp:
        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal seen
            seen += 1
            if seen > count:
                await drop_connection(receive)
                return
            await app(scope, receive, send)

        return counting

    hooks.middleware.append(middleware)


def _refuse_member(member: str, hooks: Hooks) -> None:
    inner = hooks.validate_body

    def validate(schemas: Any, operation: Operation, body: Any) -> None:
        if isinstance(body, dict) and member in body:
            raise ApiError(400, f"Unknown parameter: '{member}'.", param=member, code="unknown_parameter")
        inner(schemas, operation, body)

    hooks.validate_body = validate


def _keep_status(status: str, hooks: Hooks) -> None:
    inner = hooks.perform

    def perform(server: ServerState, thread: Thread, run: Run, action: ModelAction, now: float) -> None:
        if run.status != status:
            inner(server, thread, run, action, now)

    hooks.perform = perform


def _cut_streams(hooks: Hooks) -> None:
    """End every third stream after its fourth event."""
    inner, streams = hooks.encode_event, {"count": 0, "events": 0}

    def opening(server: ServerState, run: Run, events: Any) -> Any:
        streams["count"] += 1
        streams["events"] = 0
        return open_stream(server, run, events)

    def encode(name: str, data: Any) -> bytes:
        streams["events"] += 1
        return b"" if streams["count"] % 3 == 0 and streams["events"] > 4 else inner(name, data)

    open_stream = hooks.opening_events
    hooks.opening_events, hooks.encode_event = opening, encode


def register_faults() -> None:
    """Add every fault to the mutants of this process."""
    for name, apply in _faults():
        register(Mutant(name, "server", Level.MUST, name, apply))
