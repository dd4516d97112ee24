"""The ASGI application of an emulator: parses requests, calls the handlers, and encodes the responses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS, Operation, find_operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import EventStreamResponse, RequestContext, ServerState
from runs_conformance.emulator.neighbours import handle_neighbour, is_neighbour
from runs_conformance.emulator.request_body import read_content
from runs_conformance.emulator.run_machine import advance

_LONGEST_WAIT = 0.25


class AsgiApp:
    """An ASGI application with the operations of one emulator below a base path."""

    def __init__(self, server: ServerState, base: str) -> None:
        self._server = server
        self._base = base
        self._open_streams: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ApiError as error:
            response = self._error_response(_operation(request, self._base), error)
        except RecursionError:
            response = self._error_response(None, ApiError(400, "The request is nested too deeply."))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        hooks, server = self._server.hooks, self._server
        tenant = hooks.authenticate(server.options, request.headers)
        path = _path_below_base(request, self._base)
        match = find_operation(request.method, path)
        if match is None and is_neighbour(path):
            found = await handle_neighbour(server, tenant, request, path)
            return found if isinstance(found, Response) else self._json_response(200, found)
        if match is not None:
            hooks.check_beta_header(request.headers)
        else:
            raise _unknown_operation(request.method, self._base + path)
        operation, path_params = match
        raw = await read_content(request)
        body = hooks.read_body(operation, raw, request.headers.get("content-type"))
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = hooks.read_query(hooks.schemas, operation, pairs)
        hooks.validate_body(hooks.schemas, operation, body)
        store = hooks.store_for_tenant(server, tenant)
        context = RequestContext(server, operation, store, path_params, query, body)
        result = await hooks.handlers[operation.name](context)
        if isinstance(result, EventStreamResponse):
            return StreamingResponse(
                self._frames(result), media_type=None, headers=self._headers(hooks.stream_content_type), status_code=200
            )
        return self._json_response(hooks.success_status(operation), hooks.response_body(context, result))

    def _error_response(self, operation: Operation | None, error: ApiError) -> Response:
        hooks = self._server.hooks
        return self._json_response(hooks.error_status(operation, error), hooks.error_body(error))

    def _json_response(self, status: int, value: Any) -> Response:
        hooks = self._server.hooks
        return Response(hooks.encode_json(value), status, headers=self._headers(hooks.json_content_type))

    def _headers(self, content_type: str) -> Mapping[str, str]:
        return {"content-type": content_type, **self._server.hooks.response_headers(self._server)}

    async def _frames(self, stream: EventStreamResponse) -> AsyncIterator[bytes]:
        run = stream.run
        self._open_streams[run.id] += 1
        try:
            async for frame in self._encoded_events(stream):
                yield frame
        finally:
            self._open_streams[run.id] -= 1
            if not self._open_streams[run.id]:
                del self._open_streams[run.id]
                if run.status in TERMINAL:
                    # A long stream has hundreds of events, which nothing reads again.
                    run.events.clear()

    async def _encoded_events(self, stream: EventStreamResponse) -> AsyncIterator[bytes]:
        hooks, server, run = self._server.hooks, self._server, stream.run
        for name, data in hooks.opening_events(server, run, stream.opening_events):
            yield hooks.encode_event(name, data)
        sent = stream.start
        while True:
            run.changed.clear()
            now = server.clock.now()
            advance(server, stream.thread, run, now)
            for name, data in run.events[sent:]:
                yield hooks.encode_event(name, data)
            if sent < len(run.events):
                sent = len(run.events)
                continue
            if run.status in TERMINAL or run.status == "requires_action" or run.is_deleted:
                break
            await _wait_for(run.changed, (run.actions[0][0] if run.actions else run.expires_at) - now)
        for name, data in hooks.closing_events(server, run):
            yield hooks.encode_event(name, data)


async def _wait_for(changed: asyncio.Event, seconds: float) -> None:
    # The wait is bounded because a test may advance the clock.
    try:
        async with asyncio.timeout(min(max(seconds, 0), _LONGEST_WAIT)):
            await changed.wait()
    except TimeoutError:
        pass


def _path_below_base(request: Request, base: str) -> str:
    path: str = request.scope["path"]
    return path[path.index(base) + len(base) :] if base in path else path


def _operation(request: Request, base: str) -> Operation | None:
    match = find_operation(request.method, _path_below_base(request, base))
    return match[0] if match else None


def _unknown_operation(method: str, path: str) -> ApiError:
    below = path.partition("/v1")[2]
    if any(find_operation(other, below) for other in {op.method for op in OPERATIONS.values()}):
        return ApiError(405, f"Not allowed to {method} on {path}.", None, "method_not_supported")
    return ApiError(404, f"Invalid URL ({method} {path})")
