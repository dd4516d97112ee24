"""Runs that are faster, slower or shorter-lived than the reference's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.fake_model import Situation
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Beat, Begin, End
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.run_machine import advance


@variant(step_ms=0)
def is_instant(behaviour: Behaviour) -> None:
    """A run is over before it is first looked at."""


@variant()
def waits_a_second_in_the_queue(behaviour: Behaviour) -> None:
    """A run stays queued for a second."""
    _paced(behaviour, Begin, 1000)


@variant()
def thinks_for_two_seconds(behaviour: Behaviour) -> None:
    """A run takes two seconds from its last word to its end."""
    _paced(behaviour, End, 2000)


@variant()
def takes_five_seconds(behaviour: Behaviour) -> None:
    """A run takes five seconds before it says anything."""
    inner = behaviour.plan

    def plan(situation: Situation) -> list[Beat]:
        beats = inner(situation)
        return [beats[0], replace(beats[1], pause=500), *beats[2:]] if len(beats) > 1 else beats

    behaviour.plan = plan


def _paced(behaviour: Behaviour, kind: type[Any], milliseconds: float) -> None:
    inner = behaviour.plan

    def plan(situation: Situation) -> list[Beat]:
        # Pauses are counted in steps, of ten milliseconds unless told otherwise.
        return [replace(beat, pause=milliseconds / 10) if isinstance(beat, kind) else beat for beat in inner(situation)]

    behaviour.plan = plan


@variant()
def answers_slowly(behaviour: Behaviour) -> None:
    """Every answer takes 30 milliseconds."""

    async def wait(inner: Any, call: Call) -> Any:
        await asyncio.sleep(0.03)
        return await inner(call)

    around(behaviour, wait, *behaviour.handlers)


@variant()
def starts_at_once(behaviour: Behaviour) -> None:
    """A created run is answered in progress already."""
    _paced(behaviour, Begin, 0)

    async def run(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        if not isinstance(answer, dict):
            return answer
        thread = call.store.threads[answer["thread_id"]]
        made = thread.runs[answer["id"]]
        advance(call.world, thread, made, call.world.clock.now())
        return call.world.behaviour.run_object(call.world, made, "json")

    around(behaviour, run, "create_run", "create_thread_and_run", "submit_tool_outputs")


@variant(expires_s=2)
def lives_two_seconds(behaviour: Behaviour) -> None:
    """A run expires two seconds after its creation."""


@variant(expires_s=3600)
def lives_an_hour(behaviour: Behaviour) -> None:
    """A run expires an hour after its creation."""
