"""Programs about the thread lock: which requests an active run keeps out of its thread, and which it does not."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    finish_tool_calls,
    require,
    start_waiting_run,
    submit,
)
from runs_conformance.generation.programs.responses import has_id, status
from runs_conformance.generation.programs.steps import (
    CALLER,
    UNKNOWN_CALL_OUTPUTS,
    assistant,
    message,
    on_message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator


@program("lifecycle", "core", runs=3, requests=27)
def locked_while_running(context: ProgramContext) -> StepGenerator:
    """A message and a second run are sent to a thread whose run is queued or in progress, and a message after its end.

    They are refused while the run is active. The run is modified before it is cancelled.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "long")), run())):
        return
    yield message("Too early.")
    yield from _try_second_run()
    response: Exchange = yield poll(until=("in_progress",))
    if status(response) == "in_progress":
        yield message("Still too early.")
        yield from _try_second_run_with_messages()
        yield on_run("submit_tool_outputs", body=UNKNOWN_CALL_OUTPUTS)
        yield on_run("modify_run", body={"metadata": {"while": "running"}})
        yield on_run("get_run")
        yield page("list_runs")
        yield page("list_messages", order="asc")
    if not (yield from cancel_and_wait()):
        return
    yield message("Now.")
    yield page("list_runs")
    yield page("list_messages", order="asc")


@program("lifecycle", "core", runs=3, requests=66)
def locked_while_waiting(context: ProgramContext) -> StepGenerator:
    """Messages, runs and modifications are sent to a thread whose run waits for tool outputs, and to an idle thread.

    The locked thread accepts no message and no run, the idle one does; both can be read and modified as usual.
    """
    locked_thread = thread(context, text=prompt(context, "call_one"))
    if not (
        yield from require(assistant(context), assistant(context, "another"), thread(context, "other"), locked_thread)
    ):
        return
    if not (yield from start_waiting_run(context, needs_calls=False)):
        return
    earlier_messages: Exchange = yield page("list_messages", name="before")
    # These writes come first, so that the rest detects a lock that a write has released.
    yield on_thread("modify_thread", body={"metadata": {"while": "locked"}})
    yield on_thread("get_thread")
    if isinstance(earlier_messages.member("first_id"), str):
        first_message = Ref("before", "/first_id")
        yield on_message("get_message", first_message)
        yield on_message("modify_message", first_message, body={"metadata": {"while": "locked"}})
        yield on_message("get_message", first_message)
    yield on_run("modify_run", body={"metadata": {"while": "waiting"}})
    yield on_run("get_run")
    yield page("list_run_steps")
    yield message("Not now.")
    yield message("Nor in the name of the assistant.", role="assistant")
    yield page("list_messages")
    yield from _try_second_run()
    yield from _try_second_run("another", stream=True)
    yield from _try_second_run_with_messages()
    yield page("list_runs")
    yield message("This thread is free.", "other")
    yield from _run_on_other_thread(context)
    yield submit()
    yield message("Still not.")
    yield from _try_second_run()
    yield on_run("get_run")
    if not (yield from finish_tool_calls(run_response="resumed")):
        return
    yield on_thread("get_thread")
    yield message("Now.")
    yield page("list_messages", order="asc")


def _run_on_other_thread(context: ProgramContext) -> Fragment:
    """Run the waiting run's assistant on another thread, which no lock concerns, and read that the run still waits."""
    is_caller = context.request_forms.tools_on == "assistant"
    other_run: Exchange = yield run("elsewhere", "other", CALLER if is_caller else "assistant")
    yield on_run("get_run")
    return (yield from cancel_and_wait("elsewhere", "other")) if has_id(other_run) else False


def _try_second_run(assistant_name: str = "assistant", **members: Any) -> Fragment:
    """Try to start another run; cancel it if the target accepts it."""
    second: Exchange = yield run("second", assistant=assistant_name, **members)
    if second.accepted:
        yield on_run("get_run")
        yield from require(on_run("get_run", "second"))
        return (yield from cancel_and_wait("second"))
    return True


def _try_second_run_with_messages() -> Fragment:
    """Try to start another run that brings a message, which must not be stored if the run is refused."""
    return (yield from _try_second_run(additional_messages=[{"role": "user", "content": "Brought along."}]))
