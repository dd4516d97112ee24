"""Changes within a run: its steps, messages and tool calls. Every change emits its events."""

from __future__ import annotations

import copy
from typing import Any

from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.event_log import emit
from runs_conformance.emulator.state import Members, Message, Run, RunStep, Thread

SERVER_ERROR = {"code": "server_error", "message": "Sorry, something went wrong."}


def open_step(run: Run) -> RunStep:
    """The step in progress. Raises RuntimeError if there is none."""
    step = run.open_step
    if step is None:
        raise RuntimeError(f"{run.id} has no open step")
    return step


def begin_step(server: ServerState, run: Run, kind: str, message: Message | None, at: float) -> None:
    """Begin a step."""
    step = RunStep(
        id=server.hooks.new_id(server, "run_step"),
        seq=server.seq(),
        created_at=at,
        run_id=run.id,
        assistant_id=run.assistant_id,
        thread_id=run.thread_id,
        type=kind,
        expires_at=run.expires_at,
        message=message,
    )
    run.steps.append(step)
    emit(server, run, "thread.run.step.created", step)
    emit(server, run, "thread.run.step.in_progress", step)


def close_step(server: ServerState, run: Run, step: RunStep, status: str, at: float) -> None:
    """End a step."""
    step.status = status
    if status == "completed":
        step.completed_at = at
        step.usage = step.tokens_used
    elif status == "cancelled":
        step.cancelled_at = at
    elif status == "failed":
        step.failed_at = at
        step.last_error = dict(run.failure or SERVER_ERROR)
    emit(server, run, f"thread.run.step.{status}", step)


def open_message(server: ServerState, thread: Thread, run: Run, at: float) -> None:
    """Begin an empty message, and the step that creates it."""
    message = Message(
        id=server.hooks.new_id(server, "message"),
        seq=server.seq(),
        created_at=at,
        thread_id=run.thread_id,
        role="assistant",
        content=[],
        assistant_id=run.assistant_id,
        run_id=run.id,
        status="in_progress",
    )
    thread.messages[message.id] = message
    begin_step(server, run, "message_creation", message, at)
    emit(server, run, "thread.message.created", message)
    emit(server, run, "thread.message.in_progress", message)


def append_text(server: ServerState, run: Run, text: str, annotations: tuple[Members, ...] = ()) -> None:
    """Append text to the open message, and annotations of it."""
    message = open_step(run).message
    if message is None:
        raise RuntimeError(f"{run.id} has no open message")
    text_delta: dict[str, Any] = {"value": text}
    if message.content:
        message.content[0]["text"]["value"] += text
    else:
        message.content.append({"type": "text", "text": {"value": text, "annotations": []}})
        text_delta["annotations"] = []
    if annotations:
        message.content[0]["text"]["annotations"] += [dict(annotation) for annotation in annotations]
        text_delta["annotations"] = [{"index": index, **annotation} for index, annotation in enumerate(annotations)]
    delta = {"content": [{"index": 0, "type": "text", "text": text_delta}]}
    emit(server, run, "thread.message.delta", {"id": message.id, "object": "thread.message.delta", "delta": delta})


def close_message(server: ServerState, run: Run, step: RunStep, reason: str | None, at: float) -> None:
    """Complete the message, or end it incomplete for `reason`."""
    message = step.message
    if message is None or message.status != "in_progress":
        return
    if reason is None:
        message.status, message.completed_at = "completed", at
    else:
        message.status, message.incomplete_at, message.incomplete_reason = "incomplete", at, reason
    emit(server, run, f"thread.message.{message.status}", message)


def add_tool_call(server: ServerState, run: Run, kind: str, name: str) -> None:
    """Add a tool call to the open step."""
    step = open_step(run)
    bodies: dict[str, dict[str, Any]] = {
        "function": {"name": name, "arguments": "", "output": None},
        "code_interpreter": {"input": "", "outputs": []},
        "file_search": {"ranking_options": _ranking(run), "results": []},
    }
    body = bodies[kind]
    call = {"id": server.hooks.new_id(server, "tool_call"), "type": kind, kind: body}
    step.calls.append(call)
    # The emitted event must not change when the call does.
    initial = {} if kind == "file_search" else copy.deepcopy(body)
    _emit_call_delta(server, run, step, {"index": len(step.calls) - 1, "id": call["id"], "type": kind, kind: initial})


def _ranking(run: Run) -> dict[str, Any]:
    tool = next((tool for tool in run.tools if tool["type"] == "file_search"), {})
    options: dict[str, Any] = (tool.get("file_search") or {}).get("ranking_options") or {}
    return {"ranker": "default_2024_08_21", "score_threshold": 0.0, **options}


def append_input(server: ServerState, run: Run, index: int, text: str) -> None:
    """Append to the arguments or code of a tool call."""
    step = open_step(run)
    kind = step.calls[index]["type"]
    member = "arguments" if kind == "function" else "input"
    step.calls[index][kind][member] += text
    _emit_call_delta(server, run, step, {"index": index, "type": kind, kind: {member: text}})


def add_logs(server: ServerState, run: Run, index: int, text: str) -> None:
    """Add the output of executed code."""
    step = open_step(run)
    output = {"type": "logs", "logs": text}
    step.calls[index]["code_interpreter"]["outputs"].append(output)
    delta = {"outputs": [{"index": 0, **output}]}
    _emit_call_delta(server, run, step, {"index": index, "type": "code_interpreter", "code_interpreter": delta})


def add_search_results(server: ServerState, run: Run, index: int, results: tuple[Any, ...]) -> None:
    """Store the results of a file search."""
    step = open_step(run)
    step.calls[index]["file_search"]["results"] = list(results)
    _emit_call_delta(server, run, step, {"index": index, "type": "file_search", "file_search": {}})


def _emit_call_delta(server: ServerState, run: Run, step: RunStep, call: dict[str, Any]) -> None:
    delta = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
    emit(server, run, "thread.run.step.delta", {"id": step.id, "object": "thread.run.step.delta", "delta": delta})
