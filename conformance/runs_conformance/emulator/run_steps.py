"""What happens within a run: steps and messages that begin, grow and end, each told as it happens."""

from __future__ import annotations

import copy
from typing import Any

from runs_conformance.emulator.context import World
from runs_conformance.emulator.state import Message, Run, Step, Thread
from runs_conformance.emulator.telling import tell

SERVER_ERROR = {"code": "server_error", "message": "Sorry, something went wrong."}


def open_step(run: Run) -> Step:
    """The step that is in progress."""
    step = run.open_step
    if step is None:
        raise RuntimeError(f"{run.id} has no open step")
    return step


def begin_step(world: World, run: Run, kind: str, message: Message | None, at: float) -> None:
    """A step begins."""
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


def close_step(world: World, run: Run, step: Step, status: str, at: float) -> None:
    """A step ends."""
    step.status = status
    if status == "completed":
        step.completed_at = at
        step.usage = step.spent
    elif status == "cancelled":
        step.cancelled_at = at
    elif status == "failed":
        step.failed_at = at
        step.last_error = dict(SERVER_ERROR)
    tell(world, run, f"thread.run.step.{status}", step)


def open_message(world: World, thread: Thread, run: Run, at: float) -> None:
    """The answer begins: a message, and the step that creates it."""
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
    begin_step(world, run, "message_creation", message, at)
    tell(world, run, "thread.message.created", message)
    tell(world, run, "thread.message.in_progress", message)


def say(world: World, run: Run, text: str) -> None:
    """More of the answer is there."""
    message = open_step(run).message
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


def close_message(world: World, run: Run, step: Step, reason: str | None, at: float) -> None:
    """The answer ends, or is cut off for a reason."""
    message = step.message
    if message is None or message.status != "in_progress":
        return
    if reason is None:
        message.status, message.completed_at = "completed", at
    else:
        message.status, message.incomplete_at, message.incomplete_reason = "incomplete", at, reason
    tell(world, run, f"thread.message.{message.status}", message)


def begin_call(world: World, run: Run, kind: str, name: str) -> None:
    """A tool call appears in the open step."""
    step = open_step(run)
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


def add_input(world: World, run: Run, index: int, text: str) -> None:
    """More of what a call is given is there."""
    step = open_step(run)
    kind = step.calls[index]["type"]
    member = "arguments" if kind == "function" else "input"
    step.calls[index][kind][member] += text
    _tell_calls(world, run, step, {"index": index, "type": kind, kind: {member: text}})


def add_logs(world: World, run: Run, index: int, text: str) -> None:
    """The code that was run has printed something."""
    step = open_step(run)
    output = {"type": "logs", "logs": text}
    step.calls[index]["code_interpreter"]["outputs"].append(output)
    shown = {"outputs": [{"index": 0, **output}]}
    _tell_calls(world, run, step, {"index": index, "type": "code_interpreter", "code_interpreter": shown})


def add_results(world: World, run: Run, index: int, results: tuple[Any, ...]) -> None:
    """A search has found something."""
    step = open_step(run)
    step.calls[index]["file_search"]["results"] = list(results)
    _tell_calls(world, run, step, {"index": index, "type": "file_search", "file_search": {}})


def _tell_calls(world: World, run: Run, step: Step, call: dict[str, Any]) -> None:
    delta = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
    tell(world, run, "thread.run.step.delta", {"id": step.id, "object": "thread.run.step.delta", "delta": delta})
