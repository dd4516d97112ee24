"""Emulators as Starlette applications: one, or several side by side in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from runs_conformance.emulator.asgi import Surface
from runs_conformance.emulator.catalogue import alter
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour, plain
from runs_conformance.emulator.options import Options

BASE = "/v1"


def build(options: Options, mutants: Sequence[str] = (), variants: Sequence[str] = ()) -> Starlette:
    """One emulator, its operations below `/v1`."""
    behaviour = plain(options.edition)
    return assemble(alter(behaviour, options, mutants, variants), behaviour)


def assemble(options: Options, behaviour: Behaviour, clock: Clock | None = None) -> Starlette:
    """One emulator of a behaviour that was made by hand."""
    clock = clock or Clock()
    return Starlette(routes=[_clock_route(clock), Mount(BASE, app=_surface(options, behaviour, clock, BASE))])


def many(options: Options, emulators: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> Starlette:
    """Several emulators, each below `/<prefix>/v1` with its own mutants and variants; they share one clock."""
    clock = Clock()
    mounts = []
    for prefix, (mutants, variants) in emulators.items():
        behaviour = plain(options.edition)
        chosen = alter(behaviour, options, mutants, variants)
        base = f"/{prefix}{BASE}"
        mounts.append(Mount(base, app=_surface(chosen, behaviour, clock, base)))
    return Starlette(routes=[_clock_route(clock), *mounts])


def _surface(options: Options, behaviour: Behaviour, clock: Clock, base: str) -> ASGIApp:
    app: ASGIApp = Surface(World(options, behaviour, clock), base)
    for wrap in behaviour.wrappers:
        app = wrap(app)
    return app


def _clock_route(clock: Clock) -> Route:
    async def move(request: Request) -> JSONResponse:
        seconds = (await request.json())["advance"]
        clock.advance(float(seconds))
        return JSONResponse({"now": clock.now()})

    return Route("/_emulator/clock", move, methods=["POST"])
