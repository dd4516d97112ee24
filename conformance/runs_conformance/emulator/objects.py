"""The objects as the service last showed them, member by member and in its order."""

from __future__ import annotations

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.context import World
from runs_conformance.emulator.state import Assistant, Members, Message, Run, Step, Thread, Usage

CONTENT_OF_RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
"""The one value of `include[]`."""


def stamp(at: float) -> int:
    """A time as the API writes it: whole seconds."""
    return int(at)


def assistant_object(world: World, assistant: Assistant) -> Members:
    """The assistant."""
    members = assistant.members
    shown = {
        "id": assistant.id,
        "object": "assistant",
        "created_at": world.behaviour.stamp(assistant.created_at),
        **members,
    }
    if world.options.edition < "2025-02-10":
        del shown["reasoning_effort"]
    return shown


def thread_object(world: World, thread: Thread, channel: str) -> Members:
    """The thread. In a stream the service showed an empty code interpreter where a JSON answer shows nothing."""
    return {
        "id": thread.id,
        "object": "thread",
        "created_at": world.behaviour.stamp(thread.created_at),
        "metadata": thread.metadata,
        "tool_resources": thread.tool_resources or _no_resources(channel),
    }


def message_object(world: World, message: Message, channel: str) -> Members:
    """The message; only a stream shows how far it is."""
    shown: Members = {
        "id": message.id,
        "object": "thread.message",
        "created_at": world.behaviour.stamp(message.created_at),
        "assistant_id": message.assistant_id,
        "thread_id": message.thread_id,
        "run_id": message.run_id,
    }
    if channel == "stream":
        shown |= {
            "status": message.status,
            "incomplete_details": {"reason": message.incomplete_reason} if message.incomplete_reason else None,
            "incomplete_at": _stamp(world, message.incomplete_at),
            "completed_at": _stamp(world, message.completed_at),
        }
    content = [{**part, "text": dict(part["text"])} if "text" in part else part for part in message.content]
    return {
        **shown,
        "role": message.role,
        "content": content,
        "attachments": message.attachments,
        "metadata": message.metadata,
    }


def run_object(world: World, run: Run, channel: str) -> Members:
    """The run. `expires_at` is null once it has ended, and so is `usage` until then."""
    settings = run.settings
    shown = {
        "id": run.id,
        "object": "thread.run",
        "created_at": world.behaviour.stamp(run.created_at),
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "status": run.status,
        "started_at": _stamp(world, run.started_at),
        "expires_at": None if run.status in TERMINAL else world.behaviour.stamp(run.expires_at),
        "cancelled_at": _stamp(world, run.cancelled_at),
        "failed_at": _stamp(world, run.failed_at),
        "completed_at": _stamp(world, run.completed_at),
        "required_action": world.behaviour.required_action(run),
        "last_error": run.last_error,
        "model": run.model,
        "instructions": run.instructions,
        "tools": run.tools,
        "tool_resources": _no_resources(channel),
        "metadata": run.metadata,
        "temperature": settings["temperature"],
        "top_p": settings["top_p"],
        "reasoning_effort": settings["reasoning_effort"],
        "max_completion_tokens": settings["max_completion_tokens"],
        "max_prompt_tokens": settings["max_prompt_tokens"],
        "truncation_strategy": settings["truncation_strategy"],
        "incomplete_details": {"reason": run.incomplete_reason} if run.incomplete_reason else None,
        "usage": world.behaviour.usage_object(run.usage),
        "response_format": settings["response_format"],
        "tool_choice": settings["tool_choice"],
        "parallel_tool_calls": settings["parallel_tool_calls"],
    }
    if world.options.edition < "2024-06-06":
        del shown["parallel_tool_calls"]
    if world.options.edition < "2025-02-10":
        del shown["reasoning_effort"]
    return shown


def required_action(run: Run) -> Members | None:
    """The calls whose outputs the run waits for; what a step shows besides them, their outputs, is not shown here."""
    if run.status != "requires_action":
        return None
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
        }
        for call in run.pending
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}


def usage_object(usage: Usage | None) -> Members | None:
    """The tokens spent."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def step_object(world: World, step: Step, channel: str, include: frozenset[str]) -> Members:
    """The step. It has neither `metadata` nor `expired_at`, as the service never had, but an `expires_at`."""
    return {
        "id": step.id,
        "object": "thread.run.step",
        "created_at": world.behaviour.stamp(step.created_at),
        "run_id": step.run_id,
        "assistant_id": step.assistant_id,
        "thread_id": step.thread_id,
        "type": step.type,
        "status": step.status,
        "cancelled_at": _stamp(world, step.cancelled_at),
        "completed_at": _stamp(world, step.completed_at),
        "expires_at": _stamp(world, step.expires_at),
        "failed_at": _stamp(world, step.failed_at),
        "last_error": step.last_error,
        "step_details": _details(step, channel, include),
        "usage": world.behaviour.usage_object(step.usage),
    }


def _details(step: Step, channel: str, include: frozenset[str]) -> Members:
    if step.message is not None:
        return {"type": "message_creation", "message_creation": {"message_id": step.message.id}}
    return {"type": "tool_calls", "tool_calls": [_call(call, include) for call in step.calls]}


def _call(call: Members, include: frozenset[str]) -> Members:
    kind = call["type"]
    body = dict(call[kind])
    if kind == "code_interpreter":
        body["outputs"] = list(body["outputs"])
    if kind == "file_search" and CONTENT_OF_RESULTS not in include:
        body["results"] = [{**result} for result in body["results"]]
        for result in body["results"]:
            del result["content"]
    return {"id": call["id"], "type": kind, kind: body}


def deletion_object(kind: str, id_: str) -> Members:
    """What a deletion is answered with."""
    named = {"assistant": "assistant", "thread": "thread", "message": "thread.message"}[kind]
    return {"id": id_, "object": f"{named}.deleted", "deleted": True}


def list_object(data: list[Members], has_more: bool) -> Members:
    """A page of a list."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _stamp(world: World, at: float | None) -> int | None:
    return None if at is None else world.behaviour.stamp(at)


def _no_resources(channel: str) -> Members:
    return {"code_interpreter": {"file_ids": []}} if channel == "stream" else {}
