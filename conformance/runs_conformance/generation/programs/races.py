"""Programs that send requests concurrently. Their order is undefined, but the state observed afterwards is not."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    cancel_and_wait,
    finish_tool_calls,
    read_everything,
    require,
    start_waiting_run,
    submit,
)
from runs_conformance.generation.programs.responses import has_id, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    assistant,
    dangling_reference,
    message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Concurrent, DanglingReference, Instruction
from runs_conformance.model.exchange import Exchange, were_simultaneous
from runs_conformance.model.program import ProgramContext, StepGenerator

SOON = 0.1
"""Seconds after which a request that was just sent is probably being processed, for scripts that see no events."""


_AT_ONCE = 4
"""Requests that are sent at the same moment. All but one are refused, so they cost no runs."""


@program("races", "core", runs=4, requests=58)
def two_runs_at_once(context: ProgramContext) -> StepGenerator:
    """Four runs are created on one thread concurrently, and each that started is cancelled twice concurrently.

    This happens until the requests of two rounds have overlapped, four times at most, and twice if several runs have
    started.
    """
    busy_thread = thread(context, text=prompt(context, "long"))
    if not (yield from require(assistant(context), busy_thread)):
        return
    simultaneous = 0
    most_started = 1
    for number in range(4):
        names = tuple(f"run_{number}_{place}" for place in range(_AT_ONCE))
        responses = yield Concurrent(tuple(run(name) for name in names))
        started = [name for name, response in zip(names, responses, strict=True) if has_id(response)]
        for name in started:
            yield poll(name, until=("in_progress",))
            yield page("list_runs")
        for name in started:
            yield Concurrent((on_run("cancel_run", name), on_run("cancel_run", name), on_run("get_run", name)))
            ended: Exchange = yield poll(name, until=TERMINAL_STATUSES)
            yield on_run("get_run", name)
            if status(ended) not in TERMINAL_STATUSES and not (yield from require(busy_thread)):
                return
        simultaneous += were_simultaneous(responses)
        most_started = max(most_started, len(started))
        if simultaneous == 2 or (number and most_started > 1):
            break
    yield page("list_runs")


@program("races", "messages", requests=14)
def messages_at_once(context: ProgramContext) -> StepGenerator:
    """Four messages are added to one thread concurrently, and then its metadata is modified twice concurrently.

    Each accepted message must be listed exactly once.
    """
    if not (yield from require(thread(context))):
        return
    yield Concurrent(tuple(message(f"Message {number}.", name=f"message_{number}") for number in range(4)))
    yield page("list_messages")
    yield page("list_messages", order="asc")
    for value in ("yes", "again"):
        # Values of its own each time: a lost change must not look like one that was made before.
        changes = ({"left": value}, {"right": value})
        modified = yield Concurrent(
            tuple(on_thread("modify_thread", body={"metadata": metadata}) for metadata in changes)
        )
        yield on_thread("get_thread")
        if were_simultaneous(modified):
            return


@program("races", "tools", runs=2, requests=44)
def submitted_twice_at_once(context: ProgramContext) -> StepGenerator:
    """Four sets of tool outputs are submitted to one run concurrently, and again when it, or the next run, waits.

    The run must accept only one of them.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_twice")))):
        return
    count = yield from _start_run_with_calls(context)
    if not count:
        return
    for number in range(2):
        yield Concurrent(tuple(submit(count=count, outputs=(f"Set {place}.",)) for place in range(_AT_ONCE)))
        response: Exchange = yield poll(name="waiting")
        count = pending_call_count(response)
        if number == 0 and not count:
            count = yield from _start_run_with_calls(context)
            if not count:
                return
    if (yield from finish_tool_calls(run_response="resumed")):
        yield from read_everything()


def _start_run_with_calls(context: ProgramContext) -> Generator[Instruction, Any, int]:
    """Start a run that waits for outputs; returns of how many calls, or 0 if it does not wait.

    A model that is forced to call any function may call several.
    """
    if not (yield from start_waiting_run(context)):
        return 0
    waiting: Exchange = yield on_run("get_run", name="waiting")
    return max(1, pending_call_count(waiting))


@program("races", "cancel", runs=2, requests=42)
def cancelled_in_mid_stream(context: ProgramContext) -> StepGenerator:
    """A run is cancelled by another request while the stream of its submitted tool outputs shows a text.

    As soon as the stream shows the run in progress, its thread is sent a message, which it must refuse. If the run
    completes nevertheless, the cancellation may have come too late, and another run gets a second one.
    """
    busy_thread = thread(context, text=prompt(context, "call_one") + " Then: " + prompt(context, "long"))
    if not (yield from require(assistant(context), busy_thread)):
        return
    cancel = replace(on_run("cancel_run"), pause=SOON, after_event="thread.message.delta")
    too_early = replace(message("Not while it goes on."), after_event="thread.run.in_progress")
    for is_repeated in (False, True):
        if not (yield from start_waiting_run(context)):
            if is_repeated:
                break
            return
        # A target that repeats the output needs some time for it.
        yield Concurrent((submit(stream=True, outputs=("18 degrees, sunny. " * 100,)), too_early, cancel))
        ended: Exchange = yield poll(until=TERMINAL_STATUSES)
        if status(ended) != "completed":
            break
    yield from read_everything()


@program("races", "core", runs=1, requests=26)
def changed_while_running(context: ProgramContext) -> StepGenerator:
    """A run is created concurrently with a message, modified concurrently with its thread, and loses the thread."""
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "long")))):
        return
    _, started = yield Concurrent((message("At the same moment."), run()))
    yield page("list_messages", order="asc")
    yield page("list_runs")
    if not has_id(started):
        return
    yield poll(until=("in_progress",))
    changes = {"metadata": {"while": "running"}}
    yield Concurrent((on_run("modify_run", body=changes), on_thread("modify_thread", body=changes), on_run("get_run")))
    yield on_run("get_run")
    yield on_thread("get_thread")
    deleted: Exchange = yield on_thread("delete_thread")
    if deleted.accepted:
        for step in (on_thread("get_thread"), on_run("get_run"), page("list_runs"), on_run("cancel_run")):
            yield dangling_reference(step, DanglingReference.DELETED)
    else:
        yield from cancel_and_wait()
