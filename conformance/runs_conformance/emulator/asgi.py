"""The HTTP surface: an ASGI application that turns requests into calls, and answers into bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS, Operation, find_operation
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.operations import Following
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.run_machine import advance

_LONGEST_WAIT = 0.25


class Surface:
    """The operations of one emulator, below its base path."""

    def __init__(self, world: World, base: str) -> None:
        self._world = world
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        operation: Operation | None = None
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            operation = _named(request, self._base)
            answer = self._refused(operation, refusal)
        except RecursionError:
            answer = self._refused(operation, Refusal(400, "The request is nested too deeply."))
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        behaviour, world = self._world.behaviour, self._world
        tenant = behaviour.authenticate(world.options, request.headers)
        behaviour.check_beta(request.headers)
        path = _below(request, self._base)
        found = find_operation(request.method, path)
        if found is None:
            raise _no_operation(request.method, self._base + path)
        operation, ids = found
        raw = await request.body()
        body = behaviour.read_body(operation, raw, request.headers.get("content-type"))
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        query = behaviour.read_query(behaviour.schemas, operation, pairs)
        behaviour.check_body(behaviour.schemas, operation, body)
        call = Call(world, operation, behaviour.store_of(world, tenant), ids, query, body)
        answer = await behaviour.handlers[operation.name](call)
        if isinstance(answer, Following):
            return StreamingResponse(
                self._frames(answer), media_type=None, headers=self._headers(behaviour.stream_type), status_code=200
            )
        return self._json(behaviour.success(operation), behaviour.finished(call, answer))

    def _refused(self, operation: Operation | None, refusal: Refusal) -> Response:
        behaviour = self._world.behaviour
        return self._json(behaviour.refusal_status(operation, refusal), behaviour.envelope(refusal))

    def _json(self, status: int, value: Any) -> Response:
        behaviour = self._world.behaviour
        return Response(behaviour.encode(value), status, headers=self._headers(behaviour.json_type))

    def _headers(self, content_type: str) -> Mapping[str, str]:
        return {"content-type": content_type, **self._world.behaviour.headers(self._world)}

    async def _frames(self, following: Following) -> AsyncIterator[bytes]:
        behaviour, world, run = self._world.behaviour, self._world, following.run
        for name, data in behaviour.opening(world, run, following.opening):
            yield behaviour.frame(name, data)
        sent = following.start
        while True:
            run.changed.clear()
            now = world.clock.now()
            advance(world, following.thread, run, now)
            for name, data in run.events[sent:]:
                yield behaviour.frame(name, data)
            if sent < len(run.events):
                sent = len(run.events)
                continue
            if run.status in TERMINAL or run.status == "requires_action" or run.notes.get("gone"):
                break
            await _until(run.changed, (run.beats[0][0] if run.beats else run.expires_at) - now)
        for name, data in behaviour.ending(world, run):
            yield behaviour.frame(name, data)


async def _until(changed: asyncio.Event, seconds: float) -> None:
    # The wait is cut short now and then because somebody may have moved the clock.
    try:
        async with asyncio.timeout(min(max(seconds, 0), _LONGEST_WAIT)):
            await changed.wait()
    except TimeoutError:
        pass


def _below(request: Request, base: str) -> str:
    path: str = request.scope["path"]
    return path[path.index(base) + len(base) :] if base in path else path


def _named(request: Request, base: str) -> Operation | None:
    found = find_operation(request.method, _below(request, base))
    return found[0] if found else None


def _no_operation(method: str, path: str) -> Refusal:
    below = path.partition("/v1")[2]
    if any(find_operation(other, below) for other in {op.method for op in OPERATIONS.values()}):
        return Refusal(405, f"Not allowed to {method} on {path}.", None, "method_not_supported")
    return Refusal(404, f"Invalid URL ({method} {path})")
