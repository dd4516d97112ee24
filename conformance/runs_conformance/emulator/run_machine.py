"""The machine: applies a run's beats when they are due, and tells those who follow it.

There is one course of events for everybody. `advance` is called on every access and does what is due since the last
one, each beat at the time at which it was due; an event stream does nothing else than to advance and to pass on what
was told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import refusal
from runs_conformance.emulator.context import World
from runs_conformance.emulator.fake_model import Situation, tokens
from runs_conformance.emulator.model_actions import (
    Await,
    Beat,
    Begin,
    Call,
    Cancelled,
    CloseMessage,
    CloseTools,
    End,
    Found,
    Input,
    Logs,
    OpenMessage,
    OpenTools,
    Say,
)
from runs_conformance.emulator.run_steps import (
    SERVER_ERROR,
    add_input,
    add_logs,
    add_results,
    begin_call,
    begin_step,
    close_message,
    close_step,
    open_message,
    open_step,
    say,
)
from runs_conformance.emulator.state import Run, Thread, Usage
from runs_conformance.emulator.telling import tell

_MESSAGE_ENDS = {"cancelled": "run_cancelled", "expired": "run_expired", "failed": "run_failed"}
_INCOMPLETE_IS_TOLD = "2024-05-28"


def advance(world: World, thread: Thread, run: Run, now: float) -> None:
    """Apply every beat that is due, and expire the run when its time is up."""
    while run.status not in TERMINAL:
        due = run.beats[0][0] if run.beats else None
        if run.expires_at <= now and (due is None or run.expires_at <= due):
            world.behaviour.expire(world, thread, run, run.expires_at)
            return
        if due is None or due > now:
            return
        _, beat = run.beats.popleft()
        world.behaviour.perform(world, thread, run, beat, due)


def schedule(world: World, run: Run, beats: Iterable[Beat], start: float) -> None:
    """Replace what the run will still do by these beats, the first of them a pause after `start`."""
    due, timed = start, deque[tuple[float, Beat]]()
    for beat in beats:
        due += beat.pause * world.options.step_ms / 1000
        timed.append((due, beat))
    run.beats = timed
    run.changed.set()


def begin(world: World, thread: Thread, run: Run, now: float) -> None:
    """Let the pretend model work on the run from now on."""
    schedule(world, run, world.behaviour.plan(situation(world, thread, run)), now)


def _whole(number: float | None) -> int | None:
    """A whole number that may have been written as `300.0`, which JSON does not tell from `300`."""
    return None if number is None else int(number)


def situation(world: World, thread: Thread, run: Run) -> Situation:
    """What the pretend model gets to see of a run."""
    text = next((message.text for message in reversed(thread.messages.values()) if message.role == "user"), "")
    before = [message for message in thread.messages.values() if message.run_id != run.id]
    last = _whole((run.settings.get("truncation_strategy") or {}).get("last_messages"))
    seen = before[-last:] if last else before
    return Situation(
        text=text,
        prompt_tokens=len(tokens(run.instructions or "")) + sum(len(tokens(message.text)) + 2 for message in seen),
        tools=tuple(run.tools),
        tool_choice=run.settings["tool_choice"],
        parallel_tool_calls=run.settings["parallel_tool_calls"] is not False,
        response_format=run.settings["response_format"],
        max_prompt_tokens=_whole(run.settings["max_prompt_tokens"]),
        max_completion_tokens=_whole(run.settings["max_completion_tokens"]),
        fails=run.model == world.options.failing_model,
        round=run.round,
        outputs=tuple(run.outputs),
        spent=sum(step.spent.completion for step in run.steps),
    )


def move(world: World, run: Run, status: str) -> None:
    """Set the run's status and tell it. Before there was an event for it, an incomplete run was told as completed."""
    run.status = status
    early = status == "incomplete" and world.options.edition < _INCOMPLETE_IS_TOLD
    tell(world, run, "thread.run.completed" if early else f"thread.run.{status}", run)


def perform(world: World, thread: Thread, run: Run, beat: Beat, at: float) -> None:
    """Apply one beat."""
    match beat:
        case Begin():
            run.started_at = at
            move(world, run, "in_progress")
        case OpenTools():
            begin_step(world, run, "tool_calls", None, at)
        case Call(kind, name):
            begin_call(world, run, kind, name)
        case Input(index, text):
            add_input(world, run, index, text)
        case Logs(index, text):
            add_logs(world, run, index, text)
        case Found(index, results):
            add_results(world, run, index, results)
        case CloseTools(usage):
            step = open_step(run)
            step.spent = usage
            close_step(world, run, step, "completed", at)
        case Await(usage):
            step = open_step(run)
            step.spent = usage
            run.pending = tuple(step.calls)
            move(world, run, "requires_action")
        case OpenMessage():
            open_message(world, thread, run, at)
        case Say(text):
            say(world, run, text)
        case CloseMessage(usage, reason):
            step = open_step(run)
            step.spent = usage
            close_message(world, run, step, reason, at)
            close_step(world, run, step, "completed", at)
        case End(status, reason):
            run.incomplete_reason = reason
            world.behaviour.finish(world, run, status, at)
        case Cancelled():
            world.behaviour.finish(world, run, "cancelled", at)


def finish(world: World, run: Run, status: str, at: float) -> None:
    """End the run, and with it whatever was still open in it."""
    run.beats.clear()
    step = run.open_step
    if step is not None:
        if step.message is not None:
            close_message(world, run, step, _MESSAGE_ENDS.get(status), at)
        close_step(world, run, step, status if status in _MESSAGE_ENDS else "completed", at)
    run.pending = ()
    if status == "cancelled":
        run.cancelled_at = at
    elif status == "failed":
        run.failed_at = at
        run.last_error = dict(SERVER_ERROR)
    else:
        run.completed_at = at
    for ended in run.steps:
        ended.expires_at = None
    run.usage = sum((step.usage for step in run.steps if step.usage), Usage())
    move(world, run, status)


def expire(world: World, thread: Thread, run: Run, at: float) -> None:
    """End the run because its time is up."""
    world.behaviour.finish(world, run, "expired", at)


def check_cancel(world: World, run: Run) -> None:
    """Refuse to cancel what is ended or being cancelled."""
    if run.status in TERMINAL or run.status == "cancelling":
        raise refusal.cannot_cancel(run.status)


def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
    """Begin to cancel; it takes effect a beat later."""
    run.pending = ()
    move(world, run, "cancelling")
    schedule(world, run, [Cancelled()], now)


def check_submit(world: World, run: Run, outputs: list[dict[str, Any]]) -> None:
    """Refuse outputs that are not wanted: in the wrong status, or not exactly one for each pending call."""
    if run.status != "requires_action":
        raise refusal.no_outputs_wanted(run.status)
    wanted = [call["id"] for call in run.pending]
    got = [str(output.get("tool_call_id")) for output in outputs]
    if sorted(wanted) != sorted(got):
        raise refusal.other_outputs_wanted(wanted, got)


def submit(world: World, thread: Thread, run: Run, outputs: list[dict[str, Any]], now: float) -> None:
    """Take the outputs in, close the step that waited for them, and queue the run again."""
    by_id = {output["tool_call_id"]: output.get("output") for output in outputs}
    step = open_step(run)
    for pending in step.calls:
        pending["function"]["output"] = by_id.get(pending["id"]) or ""
        run.outputs.append(pending["function"]["output"])
    run.pending = ()
    run.round += 1
    close_step(world, run, step, "completed", now)
    move(world, run, "queued")
    begin(world, thread, run, now)


def check_modify(world: World, run: Run) -> None:
    """Refuse to modify a run that is active."""
    if run.status not in TERMINAL:
        raise refusal.cannot_update(run.status)
