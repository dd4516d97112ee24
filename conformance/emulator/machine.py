"""The machine: applies a run's beats when they are due, and tells those who follow it.

There is one course of events for everybody. `advance` is called on every access and does what is due since the last
one, each beat at the time at which it was due; an event stream does nothing else than to advance and to pass on what
was told.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable
from typing import Any

from conformance.contract.lifecycle import TERMINAL
from conformance.emulator import refusal
from conformance.emulator.beat import (
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
from conformance.emulator.script import Situation, tokens
from conformance.emulator.state import Message, Run, Step, Thread, Usage
from conformance.emulator.world import World

_MESSAGE_ENDS = {"cancelled": "run_cancelled", "expired": "run_expired", "failed": "run_failed"}
_INCOMPLETE_IS_TOLD = "2024-05-28"
_SERVER_ERROR = {"code": "server_error", "message": "Sorry, something went wrong."}


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


def situation(world: World, thread: Thread, run: Run) -> Situation:
    """What the pretend model gets to see of a run."""
    text = next((message.text for message in reversed(thread.messages.values()) if message.role == "user"), "")
    before = [message for message in thread.messages.values() if message.run_id != run.id]
    last = (run.settings.get("truncation_strategy") or {}).get("last_messages")
    seen = before[-last:] if last else before
    return Situation(
        text=text,
        prompt_tokens=len(tokens(run.instructions or "")) + sum(len(tokens(message.text)) + 2 for message in seen),
        tools=tuple(run.tools),
        tool_choice=run.settings["tool_choice"],
        parallel_tool_calls=run.settings["parallel_tool_calls"] is not False,
        response_format=run.settings["response_format"],
        max_prompt_tokens=run.settings["max_prompt_tokens"],
        max_completion_tokens=run.settings["max_completion_tokens"],
        fails=run.model == world.options.failing_model,
        round=run.round,
        outputs=tuple(run.outputs),
        spent=sum(step.spent.completion for step in run.steps),
    )


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
            _open_step(world, run, "tool_calls", None, at)
        case Call(kind, name):
            _call(world, run, kind, name)
        case Input(index, text):
            _input(world, run, index, text)
        case Logs(index, text):
            _logs(world, run, index, text)
        case Found(index, results):
            _found(world, run, index, results)
        case CloseTools(usage):
            step = _open(run)
            step.spent = usage
            _close_step(world, run, step, "completed", at)
        case Await(usage):
            step = _open(run)
            step.spent = usage
            run.pending = tuple(step.calls)
            move(world, run, "requires_action")
        case OpenMessage():
            _open_message(world, thread, run, at)
        case Say(text):
            _say(world, run, text)
        case CloseMessage(usage, reason):
            step = _open(run)
            step.spent = usage
            _close_message(world, run, step, reason, at)
            _close_step(world, run, step, "completed", at)
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
            _close_message(world, run, step, _MESSAGE_ENDS.get(status), at)
        _close_step(world, run, step, status if status in _MESSAGE_ENDS else "completed", at)
    run.pending = ()
    if status == "cancelled":
        run.cancelled_at = at
    elif status == "failed":
        run.failed_at = at
        run.last_error = dict(_SERVER_ERROR)
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
    step = _open(run)
    for call in step.calls:
        call["function"]["output"] = by_id.get(call["id"]) or ""
        run.outputs.append(call["function"]["output"])
    run.pending = ()
    run.round += 1
    _close_step(world, run, step, "completed", now)
    move(world, run, "queued")
    begin(world, thread, run, now)


def check_modify(world: World, run: Run) -> None:
    """Refuse to modify a run that is active."""
    if run.status not in TERMINAL:
        raise refusal.cannot_update(run.status)


def _open(run: Run) -> Step:
    step = run.open_step
    if step is None:
        raise RuntimeError(f"{run.id} has no open step")
    return step


def _open_step(world: World, run: Run, kind: str, message: Message | None, at: float) -> None:
    step = Step(
        id=world.behaviour.new_id(world, "run_step"),
        seq=world.seq(),
        created_at=at,
        run_id=run.id,
        assistant_id=run.assistant_id,
        thread_id=run.thread_id,
        type=kind,
        expires_at=run.expires_at,
        message=message,
    )
    run.steps.append(step)
    tell(world, run, "thread.run.step.created", step)
    tell(world, run, "thread.run.step.in_progress", step)


def _close_step(world: World, run: Run, step: Step, status: str, at: float) -> None:
    step.status = status
    if status == "completed":
        step.completed_at = at
        step.usage = step.spent
    elif status == "cancelled":
        step.cancelled_at = at
    elif status == "failed":
        step.failed_at = at
        step.last_error = dict(_SERVER_ERROR)
    tell(world, run, f"thread.run.step.{status}", step)


def _open_message(world: World, thread: Thread, run: Run, at: float) -> None:
    message = Message(
        id=world.behaviour.new_id(world, "message"),
        seq=world.seq(),
        created_at=at,
        thread_id=run.thread_id,
        role="assistant",
        content=[],
        assistant_id=run.assistant_id,
        run_id=run.id,
        status="in_progress",
    )
    thread.messages[message.id] = message
    _open_step(world, run, "message_creation", message, at)
    tell(world, run, "thread.message.created", message)
    tell(world, run, "thread.message.in_progress", message)


def _say(world: World, run: Run, text: str) -> None:
    message = _open(run).message
    if message is None:
        raise RuntimeError(f"{run.id} has no open message")
    said: dict[str, Any] = {"value": text}
    if message.content:
        message.content[0]["text"]["value"] += text
    else:
        message.content.append({"type": "text", "text": {"value": text, "annotations": []}})
        said["annotations"] = []
    delta = {"content": [{"index": 0, "type": "text", "text": said}]}
    tell(world, run, "thread.message.delta", {"id": message.id, "object": "thread.message.delta", "delta": delta})


def _close_message(world: World, run: Run, step: Step, reason: str | None, at: float) -> None:
    message = step.message
    if message is None or message.status != "in_progress":
        return
    if reason is None:
        message.status, message.completed_at = "completed", at
    else:
        message.status, message.incomplete_at, message.incomplete_reason = "incomplete", at, reason
    tell(world, run, f"thread.message.{message.status}", message)


def _call(world: World, run: Run, kind: str, name: str) -> None:
    step = _open(run)
    bodies: dict[str, dict[str, Any]] = {
        "function": {"name": name, "arguments": "", "output": None},
        "code_interpreter": {"input": "", "outputs": []},
        "file_search": {"ranking_options": _ranking(run), "results": []},
    }
    body = bodies[kind]
    call = {"id": world.behaviour.new_id(world, "tool_call"), "type": kind, kind: body}
    step.calls.append(call)
    # What is told must not change when the call goes on.
    shown = {} if kind == "file_search" else copy.deepcopy(body)
    _tell_calls(world, run, step, {"index": len(step.calls) - 1, "id": call["id"], "type": kind, kind: shown})


def _ranking(run: Run) -> dict[str, Any]:
    tool = next((tool for tool in run.tools if tool["type"] == "file_search"), {})
    options: dict[str, Any] = (tool.get("file_search") or {}).get("ranking_options") or {}
    return {"ranker": "default_2024_08_21", "score_threshold": 0.0, **options}


def _input(world: World, run: Run, index: int, text: str) -> None:
    step = _open(run)
    kind = step.calls[index]["type"]
    member = "arguments" if kind == "function" else "input"
    step.calls[index][kind][member] += text
    _tell_calls(world, run, step, {"index": index, "type": kind, kind: {member: text}})


def _logs(world: World, run: Run, index: int, text: str) -> None:
    step = _open(run)
    output = {"type": "logs", "logs": text}
    step.calls[index]["code_interpreter"]["outputs"].append(output)
    shown = {"outputs": [{"index": 0, **output}]}
    _tell_calls(world, run, step, {"index": index, "type": "code_interpreter", "code_interpreter": shown})


def _found(world: World, run: Run, index: int, results: tuple[Any, ...]) -> None:
    step = _open(run)
    step.calls[index]["file_search"]["results"] = list(results)
    _tell_calls(world, run, step, {"index": index, "type": "file_search", "file_search": {}})


def _tell_calls(world: World, run: Run, step: Step, call: dict[str, Any]) -> None:
    delta = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
    tell(world, run, "thread.run.step.delta", {"id": step.id, "object": "thread.run.step.delta", "delta": delta})
