"""Telling those who follow a run what happens to it."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import World
from runs_conformance.emulator.state import Message, Run, Step


def tell(world: World, run: Run, name: str, subject: Run | Step | Message | dict[str, Any]) -> None:
    """Write down an event, as the object is now, if anybody follows the run."""
    if not run.followed:
        return
    match subject:
        case Run():
            data = world.behaviour.run_object(world, subject, "stream")
        case Step():
            data = world.behaviour.step_object(world, subject, "stream", run.include)
        case Message():
            data = world.behaviour.message_object(world, subject, "stream")
        case _:
            data = subject
    run.events.extend(world.behaviour.events(world, run, name, data))
    run.changed.set()
