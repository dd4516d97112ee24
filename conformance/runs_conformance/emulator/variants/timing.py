"""Runs that are faster, slower or shorter-lived than those of the emulator."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import EndRun, ModelAction, StartRun
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.run_machine import advance


@variant(step_ms=0)
def is_instant(hooks: Hooks) -> None:
    """A run has ended before it is first read."""


@variant()
def waits_a_second_in_the_queue(hooks: Hooks) -> None:
    """A run stays queued for a second."""
    _set_pause(hooks, StartRun, 1000)


@variant()
def thinks_for_two_seconds(hooks: Hooks) -> None:
    """A run takes two seconds from its last delta to its end."""
    _set_pause(hooks, EndRun, 2000)


@variant()
def takes_five_seconds(hooks: Hooks) -> None:
    """A run takes five seconds before its first output."""
    inner = hooks.plan

    def plan(model_input: ModelInput) -> list[ModelAction]:
        actions = inner(model_input)
        return [actions[0], replace(actions[1], pause=500), *actions[2:]] if len(actions) > 1 else actions

    hooks.plan = plan


def _set_pause(hooks: Hooks, kind: type[Any], milliseconds: float) -> None:
    inner = hooks.plan

    def plan(model_input: ModelInput) -> list[ModelAction]:
        # Pauses are multiples of step_ms, which is ten milliseconds by default.
        return [
            replace(action, pause=milliseconds / 10) if isinstance(action, kind) else action
            for action in inner(model_input)
        ]

    hooks.plan = plan


@variant()
def answers_slowly(hooks: Hooks) -> None:
    """Every response takes 30 milliseconds."""

    async def wait(inner: Any, request: RequestContext) -> Any:
        await asyncio.sleep(0.03)
        return await inner(request)

    wrap_handlers(hooks, wait, *hooks.handlers)


@variant()
def starts_at_once(hooks: Hooks) -> None:
    """create_run returns a run in progress."""
    _set_pause(hooks, StartRun, 0)

    async def run(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if not isinstance(response, dict):
            return response
        thread = request.store.threads[response["thread_id"]]
        created_run = thread.runs[response["id"]]
        advance(request.server, thread, created_run, request.server.clock.now())
        return request.server.hooks.run_object(request.server, created_run, "json")

    wrap_handlers(hooks, run, "create_run", "create_thread_and_run", "submit_tool_outputs")


@variant(expires_s=2)
def lives_two_seconds(hooks: Hooks) -> None:
    """A run expires two seconds after its creation."""


@variant(expires_s=3600)
def lives_an_hour(hooks: Hooks) -> None:
    """A run expires an hour after its creation."""
