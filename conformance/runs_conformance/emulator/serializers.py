"""JSON objects of the API, with the members of the real service's last version."""

from __future__ import annotations

from runs_conformance.contract.known_members import known_members
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.state import Assistant, Members, Message, Run, RunStep, Thread
from runs_conformance.emulator.tokens import TokenUsage

SEARCH_RESULT_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
"""The only permitted value of `include[]`."""


def timestamp(at: float) -> int:
    """A time in the API: whole seconds since the epoch."""
    return int(at)


def assistant_object(server: ServerState, assistant: Assistant) -> Members:
    """The assistant object."""
    serialized = {
        "id": assistant.id,
        "object": "assistant",
        "created_at": server.hooks.timestamp(assistant.created_at),
        **assistant.members,
    }
    return _members_of_edition(server, "assistant", serialized)


def _members_of_edition(server: ServerState, kind: str, serialized: Members) -> Members:
    """The object without members that the emulator's edition does not have yet."""
    known = known_members(kind, server.options.edition)
    return {name: value for name, value in serialized.items() if name in known}


def thread_object(server: ServerState, thread: Thread, channel: str) -> Members:
    """The thread object. Empty tool resources are an empty code interpreter in streams, and `{}` elsewhere."""
    return {
        "id": thread.id,
        "object": "thread",
        "created_at": server.hooks.timestamp(thread.created_at),
        "metadata": thread.metadata,
        "tool_resources": thread.tool_resources or _empty_tool_resources(channel),
    }


def message_object(server: ServerState, message: Message, channel: str) -> Members:
    """The message object; its status appears only in streams."""
    serialized: Members = {
        "id": message.id,
        "object": "thread.message",
        "created_at": server.hooks.timestamp(message.created_at),
        "assistant_id": message.assistant_id,
        "thread_id": message.thread_id,
        "run_id": message.run_id,
    }
    if channel == "stream":
        serialized |= {
            "status": message.status,
            "incomplete_details": {"reason": message.incomplete_reason} if message.incomplete_reason else None,
            "incomplete_at": _optional_timestamp(server, message.incomplete_at),
            "completed_at": _optional_timestamp(server, message.completed_at),
        }
    content = [{**part, "text": dict(part["text"])} if "text" in part else part for part in message.content]
    return {
        **serialized,
        "role": message.role,
        "content": content,
        "attachments": message.attachments,
        "metadata": message.metadata,
    }


def run_object(server: ServerState, run: Run, channel: str) -> Members:
    """The run object. `expires_at` is null after the end of the run, `usage` before it."""
    serialized = {
        "id": run.id,
        "object": "thread.run",
        "created_at": server.hooks.timestamp(run.created_at),
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "status": run.status,
        "started_at": _optional_timestamp(server, run.started_at),
        "expires_at": None if run.status in TERMINAL else server.hooks.timestamp(run.expires_at),
        "cancelled_at": _optional_timestamp(server, run.cancelled_at),
        "failed_at": _optional_timestamp(server, run.failed_at),
        "completed_at": _optional_timestamp(server, run.completed_at),
        "required_action": server.hooks.required_action(run),
        "last_error": run.last_error,
        "model": run.model,
        "instructions": run.instructions,
        "tools": run.tools,
        "tool_resources": _empty_tool_resources(channel),
        "metadata": run.metadata,
        **run.settings,
        "incomplete_details": {"reason": run.incomplete_reason} if run.incomplete_reason else None,
        "usage": server.hooks.usage_object(run.usage),
    }
    return _members_of_edition(server, "run", serialized)


def required_action(run: Run) -> Members | None:
    """The tool calls whose outputs the run waits for, without the `output` member that steps have."""
    if run.status != "requires_action":
        return None
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
        }
        for call in run.pending_calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}


def usage_object(usage: TokenUsage | None) -> Members | None:
    """The usage object."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def step_object(server: ServerState, step: RunStep, channel: str, include: frozenset[str]) -> Members:
    """The step object. As in the service, it has an `expires_at`, but neither `metadata` nor `expired_at`."""
    return {
        "id": step.id,
        "object": "thread.run.step",
        "created_at": server.hooks.timestamp(step.created_at),
        "run_id": step.run_id,
        "assistant_id": step.assistant_id,
        "thread_id": step.thread_id,
        "type": step.type,
        "status": step.status,
        "cancelled_at": _optional_timestamp(server, step.cancelled_at),
        "completed_at": _optional_timestamp(server, step.completed_at),
        "expires_at": _optional_timestamp(server, step.expires_at),
        "failed_at": _optional_timestamp(server, step.failed_at),
        "last_error": step.last_error,
        "step_details": _details(step, channel, include),
        "usage": server.hooks.usage_object(step.usage),
    }


def _details(step: RunStep, channel: str, include: frozenset[str]) -> Members:
    if step.message is not None:
        return {"type": "message_creation", "message_creation": {"message_id": step.message.id}}
    return {"type": "tool_calls", "tool_calls": [_tool_call(call, include) for call in step.calls]}


def _tool_call(call: Members, include: frozenset[str]) -> Members:
    kind = call["type"]
    body = dict(call[kind])
    if kind == "code_interpreter":
        body["outputs"] = list(body["outputs"])
    if kind == "file_search" and SEARCH_RESULT_CONTENT not in include:
        body["results"] = [{**result} for result in body["results"]]
        for result in body["results"]:
            del result["content"]
    return {"id": call["id"], "type": kind, kind: body}


def deletion_object(kind: str, id_: str) -> Members:
    """The response to a deletion."""
    object_type = {"assistant": "assistant", "thread": "thread", "message": "thread.message"}[kind]
    return {"id": id_, "object": f"{object_type}.deleted", "deleted": True}


def list_object(data: list[Members], has_more: bool) -> Members:
    """The list object of a page."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _optional_timestamp(server: ServerState, at: float | None) -> int | None:
    return None if at is None else server.hooks.timestamp(at)


def _empty_tool_resources(channel: str) -> Members:
    return {"code_interpreter": {"file_ids": []}} if channel == "stream" else {}
