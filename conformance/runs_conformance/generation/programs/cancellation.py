"""Programs in which a run is cancelled."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import aftermath, ready, submit, waiting
from runs_conformance.generation.programs.steps import (
    MADE_UP_OUTPUTS,
    OVER,
    assistant,
    message,
    named,
    on_run,
    page,
    poll,
    prompt,
    run,
    since,
    thread,
)
from runs_conformance.model.program import Play, Setting

_TOO_EARLY = "Too early, unless the run was cancelled at once."


@program("lifecycle", "cancel", runs=1, requests=30, quick=True)
def cancel_in_flight(setting: Setting) -> Play:
    """A run is cancelled in the middle of a long answer; it ends, and its thread is free again."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")), run())):
        return
    yield poll(until=("in_progress",))
    yield page("list_run_steps", tag="")
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield on_run("cancel_run")
    yield page("list_run_steps", tag="")
    yield page("list_messages", tag="")
    yield poll(until=OVER)
    yield from aftermath()
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield on_run("submit_tool_outputs", body=MADE_UP_OUTPUTS)
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")


@program("lifecycle", "cancel", runs=1, requests=22)
def cancel_at_once(setting: Setting) -> Play:
    """A run is cancelled right after it was created; it ends, and its thread is free again."""
    if not (yield from ready(assistant(setting), thread(setting), run())):
        return
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield poll(until=OVER)
    yield from aftermath()
    yield on_run("modify_run", body={"metadata": {"ended": "early"}})
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")


@program("lifecycle", "cancel", runs=1, requests=30, quick=True)
def cancel_while_waiting(setting: Setting) -> Play:
    """A run that must call something, though nobody asked, waits for outputs; cancelled, it takes none any more."""
    if not (yield from ready(assistant(setting), thread(setting))):
        return
    choice: Any = "required" if since(setting, "2024-04-29") else named()
    if not (yield from waiting(tool_choice=choice)):
        return
    yield page("list_run_steps")
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield poll(until=OVER)
    yield from aftermath()
    yield submit()
    yield on_run("get_run")
    yield message("After the end.", role="assistant")
    yield page("list_messages", order="asc")
