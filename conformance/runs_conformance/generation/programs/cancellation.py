"""Programs in which a run is cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    finish_tool_calls,
    give_up,
    prepare_caller,
    read_everything,
    require,
    send_until_accepted,
    start_waiting_run,
    submit,
    wait_for_end,
)
from runs_conformance.generation.programs.official_client import as_python
from runs_conformance.generation.programs.paging import TIMESTAMP_TICK
from runs_conformance.generation.programs.responses import has_id, item_count, status
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    assistant,
    at_root,
    edition_includes,
    force_function,
    forced_call,
    function_tool,
    message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
    unprompted_message,
)
from runs_conformance.model.case import Either, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_THREAD, _SECOND_THREAD = Ref("run", "/thread_id"), Ref("second", "/thread_id")
_TOO_EARLY = "Too early, unless the run was cancelled at once."
_PAUSES_FOR_A_STEP = (0.0, 0.05, 0.05, 0.1, 0.2, 0.4)
"""Seconds before each look for the first step of a run. A target may show none before the run has ended."""

_QUICK_READS = 20
"""Reads of a queued run without a pause: polling might miss that it is in progress."""


@program("lifecycle", "cancel", runs=2, requests=31)
def cancel_in_flight(context: ProgramContext) -> StepGenerator:
    """A run is cancelled in the middle of a long answer, once it shows a step, and again after it has ended.

    While it is being cancelled, its thread takes neither a message nor a second run.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "long")), run())):
        return
    yield poll(until=("in_progress",))
    for pause in _PAUSES_FOR_A_STEP:
        steps: Exchange = yield replace(page("list_run_steps"), pause=pause)
        if item_count(steps):
            break
    cancelled: Exchange = yield on_run("cancel_run")
    second: Exchange | None = None
    if status(cancelled) == "cancelling":
        # At once, because this may be over soon. `cancel_at_once` sends a message first.
        second = yield run("second")
    yield message(_TOO_EARLY)
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield on_run("cancel_run")
    if second is not None and has_id(second):
        yield from cancel_and_wait("second")


@program("lifecycle", "cancel", runs=2, requests=54, seconds=TIMESTAMP_TICK)
def cancel_at_once(context: ProgramContext) -> StepGenerator:
    """A run that must call a function is cancelled as soon as it is in progress.

    If the response shows it `cancelled`, it may already have waited for outputs, so a second run is tried. The
    cancelled run asks for no outputs, its thread is free again, and it is still cancelled a second later.
    """
    if not (yield from require(assistant(context), thread(context, text=unprompted_message(context)))):
        return
    for _ in range(2):
        if not (yield from _start_run_with_call(context)):
            return
        yield from _read_until_in_progress()
        cancelled: Exchange = yield on_run("cancel_run")
        if status(cancelled) not in TERMINAL_STATUSES:
            break
    yield message(_TOO_EARLY)
    settled: Exchange = yield poll()
    if status(settled) == "requires_action" and not (yield from cancel_and_wait()):
        return
    yield from read_everything()
    yield on_run("modify_run", body={"metadata": {"ended": "early"}})
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")
    yield replace(on_run("get_run"), pause=TIMESTAMP_TICK)


def _start_run_with_call(context: ProgramContext) -> Fragment:
    """Create a run that must call a function, or a plain one if the target refuses it; returns whether it exists."""
    if (yield from prepare_caller(context)) and has_id((yield run(**forced_call(context)))):
        return True
    return (yield from require(run()))


def _read_until_in_progress() -> Fragment:
    """Read the run in quick succession until it is in progress, which may be short before it calls; returns True."""
    for _ in range(_QUICK_READS):
        if status((yield on_run("get_run"))) != "queued":
            return True
    yield poll(until=("in_progress", "requires_action"))
    return True


@program("lifecycle", "cancel", runs=1, requests=29)
def cancel_while_waiting(context: ProgramContext) -> StepGenerator:
    """A run is cancelled while it waits for tool outputs, and the outputs are submitted afterwards.

    The run must call a function of its assistant that its prompt does not ask for. Once cancelled, it accepts no
    outputs, and cancelling it again changes nothing.
    """
    function = [function_tool()]
    prompt_thread = thread(context, text=unprompted_message(context))
    if not (yield from require(assistant(context, tools=function), prompt_thread)):
        return
    # An assistant in use may have no function.
    own_tools = function if "assistant" in context.use else None
    choice: Any = "required" if edition_includes(context, "2024-04-29") else force_function()
    if not (yield from start_waiting_run(context, needs_calls=False, tools=own_tools, tool_choice=choice)):
        return
    yield page("list_run_steps")
    yield on_run("cancel_run")
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield submit()
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield message("After the end.", role="assistant")


@program("lifecycle", "cancel", runs=2, requests=26)
def cancel_streamed(context: ProgramContext) -> StepGenerator:
    """A streamed run that waits for tool outputs is cancelled with the headers of the official Python client.

    It is created without a thread, as is a run before it that names another model and ends. Their threads do not share
    metadata, nor do the runs. A cancellation through the thread of the first run does not affect the second. A target
    that does not stream gets requests without streams.
    """
    if not (yield from require(assistant(context))):
        return
    plain = {"assistant_id": Ref("assistant"), **({"stream": True} if context.streams else {})}
    prompted = {**plain, "thread": {"messages": [{"role": "user", "content": prompt(context)}]}}
    steps = [_create_with_thread(body) for body in (plain, prompted)]
    if context.other_model != context.model:
        other = _create_with_thread({**plain, "model": context.other_model})
        steps.insert(0, replace(other, expectation=Either("targets differ in their models")))
    if not has_id((yield from send_until_accepted(*steps))) and not (
        yield from require(thread(context), run(stream=context.streams))
    ):
        return
    if not ((yield from finish_tool_calls(thread=_THREAD)) and (yield from prepare_caller(context))):
        return
    yield on_thread("get_thread", _THREAD)
    forced = forced_call(context, tools=[function_tool()])
    # The model may need a user message, and the target may lack the operation.
    steps = [_create_with_thread({**body, **forced}, "second") for body in (plain, prompted)]
    on_same_thread = on_thread("create_run", _THREAD, {**plain, **forced}, name="second", stream=context.streams)
    created = yield from send_until_accepted(*steps, on_same_thread)
    if not has_id(created):
        yield from give_up("a successful response that shows an id")
        return
    if created.operation == "create_thread_and_run":
        yield from _modify_beside_others()
    yield from _cancel_as_python()


def _create_with_thread(body: dict[str, Any], name: str = "run") -> Step:
    return at_root("create_thread_and_run", body, name=name, stream=body.get("stream") is True)


def _modify_beside_others() -> Fragment:
    """Modify the ended run and the other's thread, and try to cancel the other through the thread of the ended one.

    Nothing of this affects the thread of the ended run, or the run that is read last.
    """
    changes = {"metadata": {"only": "mine"}}
    yield on_thread("modify_thread", _SECOND_THREAD, changes)
    yield on_thread("get_thread", _THREAD)
    yield on_run("modify_run", thread=_THREAD, body=changes)
    yield on_run("cancel_run", "second", _THREAD)
    yield on_run("get_run", "second", _SECOND_THREAD)
    return True


def _cancel_as_python() -> Fragment:
    """Cancel the second run as the official Python client does, or, if that is refused, plainly."""
    cancelled: Exchange = yield as_python(on_run("cancel_run", "second", _SECOND_THREAD))
    if cancelled.refused:
        yield on_run("cancel_run", "second", _SECOND_THREAD)
    return (yield from wait_for_end("second", _SECOND_THREAD))
