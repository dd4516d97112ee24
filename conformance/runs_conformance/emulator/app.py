"""Starlette applications that serve one emulator, or several in one process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from runs_conformance.emulator.asgi import AsgiApp
from runs_conformance.emulator.catalogue import apply_by_name
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.server_options import EmulatorOptions

BASE = "/v1"
MAX_ADVANCE_S = 1e9


def build(options: EmulatorOptions, mutants: Sequence[str] = (), variants: Sequence[str] = ()) -> Starlette:
    """An application with one emulator below `/v1`. Raises UsageError for an unknown mutant or variant."""
    hooks = default_hooks(options.edition)
    return build_with_hooks(apply_by_name(hooks, options, mutants, variants), hooks)


def build_with_hooks(options: EmulatorOptions, hooks: Hooks, clock: Clock | None = None) -> Starlette:
    """An application with one emulator that uses these hooks."""
    clock = clock or Clock()
    return Starlette(routes=[_clock_route(clock), Mount(BASE, app=build_for_state(ServerState(options, hooks, clock)))])


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
    return Starlette(routes=[_clock_route(clock), *mounts])


def build_for_state(server: ServerState, base: str = BASE) -> ASGIApp:
    """An application with one emulator whose state the caller keeps, without the route that moves the clock."""
    app: ASGIApp = AsgiApp(server, base)
    for middleware in server.hooks.middleware:
        app = middleware(app)
    return app


def _clock_route(clock: Clock) -> Route:
    async def advance(request: Request) -> JSONResponse:
        try:
            seconds = float((await request.json())["advance"])
        except (ValueError, KeyError, TypeError, RecursionError):
            seconds = math.nan
        if not 0 <= seconds <= MAX_ADVANCE_S:
            return JSONResponse({"error": "'advance' must be a number of seconds"}, 400)
        clock.advance(seconds)
        return JSONResponse({"now": clock.now()})

    return Route("/_emulator/clock", advance, methods=["POST"])
