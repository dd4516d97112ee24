"""Factories of assistants, messages and runs: they read request bodies and fill in defaults."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import RequestContext, ServerState
from runs_conformance.emulator.state import Assistant, Members, Message, Run, Thread

_RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0}
_ALPHABET = string.ascii_letters + string.digits
_PREFIXES = {
    "assistant": "asst_",
    "thread": "thread_",
    "message": "msg_",
    "run": "run_",
    "run_step": "step_",
    "tool_call": "call_",
    "file": "file-",
    "vector_store": "vs_",
    "vector_store_batch": "vsfb_",
}


def new_id(server: ServerState, kind: str) -> str:
    """A new id: the prefix of the kind and 24 random letters and digits."""
    return _PREFIXES[kind] + "".join(server.random.choices(_ALPHABET, k=24))


def new_assistant_members(edition: str, body: Members) -> Members:
    """The members of an assistant that a body asks for, with defaults."""
    tools = [normalize_tool(edition, tool) for tool in body.get("tools") or []]
    return {
        "name": body.get("name"),
        "description": body.get("description"),
        "model": body.get("model"),
        "instructions": body.get("instructions"),
        "tools": tools,
        "top_p": _value_or_default(body.get("top_p"), 1.0),
        "temperature": _value_or_default(body.get("temperature"), 1.0),
        "reasoning_effort": body.get("reasoning_effort"),
        "tool_resources": normalize_tool_resources(body.get("tool_resources"), tools),
        "metadata": new_metadata({}, body.get("metadata")),
        "response_format": body.get("response_format") or "auto",
    }


def normalize_tool(edition: str, tool: Mapping[str, Any]) -> Members:
    """A tool as responses show it: a function with parameters and `strict`, a file search with ranking options."""
    match tool:
        case {"type": "function", "function": function}:
            normalized: Members = {"name": function["name"]}
            if function.get("description") is not None:
                normalized["description"] = function["description"]
            normalized["parameters"] = function.get("parameters") or {"type": "object", "properties": {}}
            if edition >= "2024-08-06":
                normalized["strict"] = bool(function.get("strict"))
            return {"type": "function", "function": normalized}
        case {"type": "file_search"} if edition >= "2024-08-28":
            search = dict(tool.get("file_search") or {})
            search["ranking_options"] = {**_RANKING, **(search.get("ranking_options") or {})}
            return {"type": "file_search", "file_search": search}
        case _:
            return dict(tool)


def normalize_tool_resources(resources: Members | None, tools: list[Members] | None = None) -> Members:
    """Tool resources as responses show them. A vector store to be created is replaced by its new id."""
    normalized: Members = {}
    resources = resources or {}
    if "code_interpreter" in resources:
        normalized["code_interpreter"] = {"file_ids": list((resources["code_interpreter"] or {}).get("file_ids") or [])}
    elif any(tool["type"] == "code_interpreter" for tool in tools or []):
        normalized["code_interpreter"] = {"file_ids": []}
    if "file_search" in resources:
        search = resources["file_search"] or {}
        stores = list(search.get("vector_store_ids") or [])
        stores += [f"vs_{number:024d}" for number, _ in enumerate(search.get("vector_stores") or [], 1)]
        normalized["file_search"] = {"vector_store_ids": stores}
    return normalized


def new_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
    """The metadata after a change: the new pairs replace the old ones."""
    return dict(new or {})


def new_message(request: RequestContext, thread: Thread, body: Members) -> Message:
    """The message that a request adds to a thread."""
    server = request.server
    content = body["content"]
    if content == "":
        raise api_errors.empty_content()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    now = server.clock.now()
    return Message(
        id=server.hooks.new_id(server, "message"),
        seq=server.seq(),
        created_at=now,
        thread_id=thread.id,
        role=body["role"],
        content=[_content_part(part) for part in parts],
        attachments=list(body.get("attachments") or []),
        metadata=server.hooks.new_metadata({}, body.get("metadata")),
        completed_at=now,
    )


def _content_part(part: Members) -> Members:
    match part:
        case {"type": "text", "text": text}:
            return {"type": "text", "text": {"value": text, "annotations": []}}
        case {"type": kind}:
            return {"type": kind, kind: {"detail": "auto", **part[kind]}}
        case _:
            return dict(part)


def add_messages(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
    """Add messages to a thread in order; if one is invalid, none is added."""
    messages = [request.server.hooks.new_message(request, thread, body) for body in bodies]
    thread.messages.update({message.id: message for message in messages})


def new_thread(request: RequestContext, body: Members) -> Thread:
    """The thread that a body asks for, with its messages."""
    server = request.server
    thread = Thread(
        id=server.hooks.new_id(server, "thread"),
        seq=server.seq(),
        created_at=server.clock.now(),
        metadata=server.hooks.new_metadata({}, body.get("metadata")),
        tool_resources=normalize_tool_resources(body.get("tool_resources")),
    )
    server.hooks.add_messages(request, thread, body.get("messages") or [])
    return thread


def new_run(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
    """The run that a body asks for. Omitted members are inherited from the assistant or have defaults."""
    server = request.server
    now = server.clock.now()
    return Run(
        id=server.hooks.new_id(server, "run"),
        seq=server.seq(),
        created_at=now,
        thread_id=thread.id,
        assistant_id=assistant.id,
        model=_value_or_default(body.get("model"), assistant.members["model"]),
        instructions=server.hooks.run_instructions(assistant, body),
        tools=_run_tools(server.options.edition, assistant, body),
        metadata=server.hooks.new_metadata({}, body.get("metadata")),
        settings=server.hooks.run_settings(assistant, body),
        expires_at=int(now) + server.options.expires_s,
        include=frozenset(request.query.get("include", ())),
    )


def run_instructions(assistant: Assistant, body: Members) -> str | None:
    """The instructions of a run: those of the body or else of the assistant, then the additional ones."""
    base: str | None = _value_or_default(body.get("instructions"), assistant.members["instructions"])
    additional: str | None = body.get("additional_instructions")
    return base if not additional else f"{base}\n{additional}" if base else additional


def _run_tools(edition: str, assistant: Assistant, body: Members) -> list[Members]:
    tools = body.get("tools")
    return list(assistant.members["tools"]) if tools is None else [normalize_tool(edition, tool) for tool in tools]


def run_settings(assistant: Assistant, body: Members) -> Members:
    """The settings of a run: sampling, limits, response format and tool choice."""
    inherited = assistant.members
    return {
        "temperature": _value_or_default(body.get("temperature"), inherited["temperature"]),
        "top_p": _value_or_default(body.get("top_p"), inherited["top_p"]),
        "reasoning_effort": _value_or_default(body.get("reasoning_effort"), inherited["reasoning_effort"]),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None, **(body.get("truncation_strategy") or {})},
        "response_format": _value_or_default(body.get("response_format"), inherited["response_format"]),
        "tool_choice": _value_or_default(body.get("tool_choice"), "auto"),
        "parallel_tool_calls": _value_or_default(body.get("parallel_tool_calls"), True),
    }


def _value_or_default(value: Any, default: Any) -> Any:
    return default if value is None else value


def check_runnable(thread: Thread, assistant: Assistant, body: Members) -> None:
    """Refuse a run without any input: no user message and no instructions."""
    has_user_message = any(message.role == "user" for message in thread.messages.values()) or any(
        message["role"] == "user" for message in body.get("additional_messages") or []
    )
    if not has_user_message and not run_instructions(assistant, body):
        raise api_errors.nothing_to_run()
