"""The events of a streamed run."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.state import Message, Run, RunStep


def emit(server: ServerState, run: Run, name: str, subject: Run | RunStep | Message | dict[str, Any]) -> None:
    """Record an event with the object's current state, if the run is streamed."""
    if not run.is_streamed:
        return
    match subject:
        case Run():
            data = server.hooks.run_object(server, subject, "stream")
        case RunStep():
            data = server.hooks.step_object(server, subject, "stream", run.include)
        case Message():
            data = server.hooks.message_object(server, subject, "stream")
        case _:
            data = subject
    run.events.extend(server.hooks.expand_event(server, run, name, data))
    run.changed.set()
