"""Starlette applications that serve one emulator, or several in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.asgi import AsgiApp
from runs_conformance.emulator.authentication import authenticate
from runs_conformance.emulator.catalogue import apply_by_name
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.request_body import parse, read_content
from runs_conformance.emulator.server_options import EmulatorOptions

BASE = "/v1"
MAX_ADVANCE_S = 1e9
"""Seconds that the clock can be ahead in all: timestamps remain usual numbers."""
_MAX_CLOCK_BYTES = 1000


def build(options: EmulatorOptions, mutants: Sequence[str] = (), variants: Sequence[str] = ()) -> Starlette:
    """An application with one emulator below `/v1`. Raises UsageError for an unknown mutant or variant."""
    hooks = default_hooks(options.edition)
    return build_with_hooks(apply_by_name(hooks, options, mutants, variants), hooks)


def build_with_hooks(options: EmulatorOptions, hooks: Hooks, clock: Clock | None = None) -> Starlette:
    """An application with one emulator that uses these hooks."""
    clock = clock or Clock()
    return Starlette(
        routes=[_clock_route(clock, options), Mount(BASE, app=build_for_state(ServerState(options, hooks, clock)))]
    )


def build_many(options: EmulatorOptions, emulators: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> Starlette:
    """An application with several emulators, each below `/<prefix>/v1`. They share one clock.

    `emulators` maps prefixes to the names of mutants and of variants. Raises UsageError for an unknown name.
    """
    clock = Clock()
    mounts = []
    for prefix, (mutants, variants) in emulators.items():
        hooks = default_hooks(options.edition)
        emulator_options = apply_by_name(hooks, options, mutants, variants)
        base = f"/{prefix}{BASE}"
        mounts.append(Mount(base, app=build_for_state(ServerState(emulator_options, hooks, clock), base)))
    return Starlette(routes=[_clock_route(clock, options), *mounts])


def build_for_state(server: ServerState, base: str = BASE) -> ASGIApp:
    """An application with one emulator whose state the caller keeps, without the route that moves the clock."""
    app: ASGIApp = AsgiApp(server, base)
    for middleware in server.hooks.middleware:
        app = middleware(app)
    return app


def _clock_route(clock: Clock, options: EmulatorOptions) -> Route:
    async def advance(request: Request) -> JSONResponse:
        try:
            authenticate(options, request.headers)
            body = parse(await read_content(request, _MAX_CLOCK_BYTES))
        except ApiError as error:
            return JSONResponse({"error": error.message}, error.http_status)
        seconds = body.get("advance") if isinstance(body, dict) else None
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not _is_permitted(clock, seconds):
            return JSONResponse({"error": "'advance' must be a number of seconds, at most 1e9 in all"}, 400)
        clock.advance(seconds)
        return JSONResponse({"now": clock.now()})

    return Route("/_emulator/clock", advance, methods=["POST"])


def _is_permitted(clock: Clock, seconds: float) -> bool:
    return 0 <= seconds <= MAX_ADVANCE_S - clock.advanced
