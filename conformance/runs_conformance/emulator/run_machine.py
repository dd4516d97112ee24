"""The run machine: performs the actions of a run when they are due, and emits its events.

`advance` is called on every access and performs all actions that have become due, each with its own due time. Polls,
lists and event streams therefore observe the same sequence. An event stream only calls `advance` and forwards what was
emitted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import RequestContext, ServerState
from runs_conformance.emulator.event_log import emit
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import (
    AddLogs,
    AddSearchResults,
    AddToolCall,
    AppendInput,
    AppendText,
    AwaitOutputs,
    CloseMessage,
    CloseToolCallStep,
    EndRun,
    FinishCancelling,
    ModelAction,
    OpenMessage,
    OpenToolCallStep,
    StartRun,
    Wait,
)
from runs_conformance.emulator.run_steps import (
    SERVER_ERROR,
    add_logs,
    add_search_results,
    add_tool_call,
    append_input,
    append_text,
    begin_step,
    close_message,
    close_step,
    open_message,
    open_step,
)
from runs_conformance.emulator.state import Run, Thread
from runs_conformance.emulator.tokens import TokenUsage, tokenize

_INCOMPLETE_REASONS = {"cancelled": "run_cancelled", "expired": "run_expired", "failed": "run_failed"}
_FIRST_WITH_INCOMPLETE_EVENT = "2024-05-28"


def advance(server: ServerState, thread: Thread, run: Run, now: float) -> None:
    """Perform every action that is due, and expire the run when its lifetime is over."""
    while run.status not in TERMINAL:
        due = run.actions[0][0] if run.actions else None
        if run.expires_at <= now and (due is None or run.expires_at <= due):
            server.hooks.expire(server, thread, run, run.expires_at)
            return
        if due is None or due > now:
            return
        _, action = run.actions.popleft()
        server.hooks.perform(server, thread, run, action, due)


def schedule(server: ServerState, run: Run, actions: Iterable[ModelAction], start: float) -> None:
    """Replace the pending actions of a run; the pauses count from `start`."""
    due, scheduled = start, deque[tuple[float, ModelAction]]()
    for action in actions:
        due += action.pause * server.options.step_ms / 1000
        if isinstance(action, Wait):
            due += action.seconds
        scheduled.append((due, action))
    run.actions = scheduled
    run.changed.set()


def begin(server: ServerState, thread: Thread, run: Run, now: float) -> None:
    """Have the fake model work on the run from now on."""
    schedule(server, run, server.hooks.plan(model_input_for(server, thread, run)), now)


def _integer(number: float | None) -> int | None:
    """The integer of a JSON number, which may be written as `300.0`."""
    return None if number is None else int(number)


def model_input_for(server: ServerState, thread: Thread, run: Run) -> ModelInput:
    """The input of the fake model for a run."""
    text = next((message.text for message in reversed(thread.messages.values()) if message.role == "user"), "")
    before = [message for message in thread.messages.values() if message.run_id != run.id]
    last_messages = _integer((run.settings.get("truncation_strategy") or {}).get("last_messages"))
    visible = before[-last_messages:] if last_messages else before
    return ModelInput(
        text=text,
        prompt_tokens=len(tokenize(run.instructions or ""))
        + sum(len(tokenize(message.text)) + 2 for message in visible),
        tools=tuple(run.tools),
        tool_choice=run.settings["tool_choice"],
        parallel_tool_calls=run.settings["parallel_tool_calls"] is not False,
        response_format=run.settings["response_format"],
        max_prompt_tokens=_integer(run.settings["max_prompt_tokens"]),
        max_completion_tokens=_integer(run.settings["max_completion_tokens"]),
        fails=run.model == server.options.failing_model,
        round=run.round,
        outputs=tuple(run.outputs),
        completion_tokens_used=sum(step.tokens_used.completion for step in run.steps),
    )


def set_status(server: ServerState, run: Run, status: str) -> None:
    """Set the run's status and emit its event. Old editions have no event for `incomplete`, but emit `completed`."""
    run.status = status
    lacks_event = status == "incomplete" and server.options.edition < _FIRST_WITH_INCOMPLETE_EVENT
    emit(server, run, "thread.run.completed" if lacks_event else f"thread.run.{status}", run)


def perform(server: ServerState, thread: Thread, run: Run, action: ModelAction, at: float) -> None:
    """Perform one action."""
    match action:
        case StartRun():
            run.started_at = at
            set_status(server, run, "in_progress")
        case OpenToolCallStep():
            begin_step(server, run, "tool_calls", None, at)
        case AddToolCall(kind, name):
            add_tool_call(server, run, kind, name)
        case AppendInput(index, text):
            append_input(server, run, index, text)
        case AddLogs(index, text):
            add_logs(server, run, index, text)
        case AddSearchResults(index, results):
            add_search_results(server, run, index, results)
        case CloseToolCallStep(usage):
            step = open_step(run)
            step.tokens_used = usage
            close_step(server, run, step, "completed", at)
        case AwaitOutputs(usage):
            step = open_step(run)
            step.tokens_used = usage
            run.pending_calls = tuple(step.calls)
            set_status(server, run, "requires_action")
        case OpenMessage():
            open_message(server, thread, run, at)
        case AppendText(text):
            append_text(server, run, text, action.annotations)
        case CloseMessage(usage, reason):
            step = open_step(run)
            step.tokens_used = usage
            close_message(server, run, step, reason, at)
            close_step(server, run, step, "completed", at)
        case EndRun(status, reason):
            run.incomplete_reason = reason
            server.hooks.finish(server, run, status, at)
        case FinishCancelling():
            server.hooks.finish(server, run, "cancelled", at)
        case Wait():
            pass


def finish(server: ServerState, run: Run, status: str, at: float) -> None:
    """End the run with its open step and message."""
    run.actions.clear()
    step = run.open_step
    if step is not None:
        if step.message is not None:
            close_message(server, run, step, _INCOMPLETE_REASONS.get(status), at)
        close_step(server, run, step, status if status in _INCOMPLETE_REASONS else "completed", at)
    run.pending_calls = ()
    if status == "cancelled":
        run.cancelled_at = at
    elif status == "failed":
        run.failed_at = at
        run.last_error = dict(run.failure or SERVER_ERROR)
    else:
        run.completed_at = at
    for step in run.steps:
        step.expires_at = None
    run.usage = sum((step.usage for step in run.steps if step.usage), TokenUsage())
    set_status(server, run, status)


def expire(server: ServerState, thread: Thread, run: Run, at: float) -> None:
    """End the run because its lifetime is over."""
    server.hooks.finish(server, run, "expired", at)


def check_cancel(server: ServerState, run: Run) -> None:
    """Refuse cancelling a run that has ended or is being cancelled."""
    if run.status in TERMINAL or run.status == "cancelling":
        raise api_errors.cannot_cancel(run.status)


def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
    """Start cancelling; the run is cancelled one action later."""
    run.pending_calls = ()
    set_status(server, run, "cancelling")
    schedule(server, run, [FinishCancelling()], now)


def check_submit(server: ServerState, run: Run, outputs: list[dict[str, Any]]) -> None:
    """Refuse outputs in the wrong status, or other than exactly one for each pending call."""
    if run.status != "requires_action":
        raise api_errors.outputs_not_expected(run.status)
    expected = [call["id"] for call in run.pending_calls]
    actual = [str(output.get("tool_call_id")) for output in outputs]
    if sorted(expected) != sorted(actual):
        raise api_errors.wrong_outputs(expected, actual)


def submit(server: ServerState, thread: Thread, run: Run, outputs: list[dict[str, Any]], now: float) -> None:
    """Store the outputs, complete the step that waited for them, and queue the run again."""
    by_id = {output["tool_call_id"]: output.get("output") for output in outputs}
    step = open_step(run)
    for call in step.calls:
        call["function"]["output"] = by_id.get(call["id"]) or ""
        run.outputs.append(call["function"]["output"])
    run.pending_calls = ()
    run.round += 1
    close_step(server, run, step, "completed", now)
    set_status(server, run, "queued")
    begin(server, thread, run, now)


def check_modify(server: ServerState, run: Run) -> None:
    """Refuse modifying an active run."""
    if run.status not in TERMINAL:
        raise api_errors.cannot_update(run.status)


def holds_lock(run: Run) -> bool:
    """Whether the run keeps its thread locked."""
    return run.status not in TERMINAL


def _lock_holder(request: RequestContext, thread: Thread) -> Run | None:
    return next((run for run in thread.runs.values() if request.server.hooks.holds_lock(run)), None)


async def admit_run(request: RequestContext, thread: Thread) -> None:
    """Refuse a run on a locked thread."""
    if holder := _lock_holder(request, thread):
        raise api_errors.run_already_active(thread.id, holder.id)


async def admit_message(request: RequestContext, thread: Thread) -> None:
    """Refuse a message to a locked thread."""
    if holder := _lock_holder(request, thread):
        raise api_errors.thread_locked(thread.id, holder.id)


async def admit_outputs(request: RequestContext, run: Run) -> None:
    """Refuse outputs that the run does not wait for."""
    request.server.hooks.check_submit(request.server, run, request.body["tool_outputs"])
