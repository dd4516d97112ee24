"""Programs in which a run is cancelled."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import read_everything, require, start_waiting_run, submit
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    UNKNOWN_CALL_OUTPUTS,
    assistant,
    edition_includes,
    force_function,
    message,
    on_run,
    page,
    poll,
    prompt,
    run,
    thread,
    unprompted_message,
)
from runs_conformance.model.program import ProgramContext, StepGenerator

_TOO_EARLY = "Too early, unless the run was cancelled at once."


@program("lifecycle", "cancel", runs=1, requests=30, quick=True)
def cancel_in_flight(context: ProgramContext) -> StepGenerator:
    """A run is cancelled in the middle of a long answer.

    It ends, and its thread is free again.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "long")), run())):
        return
    yield poll(until=("in_progress",))
    yield page("list_run_steps")
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield on_run("cancel_run")
    yield page("list_run_steps")
    yield page("list_messages")
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield on_run("submit_tool_outputs", body=UNKNOWN_CALL_OUTPUTS)
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")


@program("lifecycle", "cancel", runs=1, requests=22)
def cancel_at_once(context: ProgramContext) -> StepGenerator:
    """A run is cancelled immediately after its creation.

    It ends, and its thread is free again.
    """
    if not (yield from require(assistant(context), thread(context), run())):
        return
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield on_run("modify_run", body={"metadata": {"ended": "early"}})
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")


@program("lifecycle", "cancel", runs=1, requests=30, quick=True)
def cancel_while_waiting(context: ProgramContext) -> StepGenerator:
    """A run is cancelled while it waits for tool outputs, and the outputs are submitted afterwards.

    The run must call a function that its prompt does not ask for. Once cancelled, it accepts no outputs.
    """
    if not (yield from require(assistant(context), thread(context, text=unprompted_message(context)))):
        return
    choice: Any = "required" if edition_includes(context, "2024-04-29") else force_function()
    if not (yield from start_waiting_run(context, tool_choice=choice)):
        return
    yield page("list_run_steps")
    yield on_run("cancel_run")
    yield message(_TOO_EARLY)
    yield on_run("get_run")
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield submit()
    yield on_run("get_run")
    yield message("After the end.", role="assistant")
    yield page("list_messages", order="asc")
