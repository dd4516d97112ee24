"""Making assistants, messages and runs from request bodies: what is taken over, and what the defaults are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import refusal
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.state import Assistant, Members, Message, Run, Thread

_RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0}


def new_assistant_members(edition: str, body: Members) -> Members:
    """The members of an assistant that a body asks for, defaults filled in."""
    tools = [tool(edition, given) for given in body.get("tools") or []]
    return {
        "name": body.get("name"),
        "description": body.get("description"),
        "model": body.get("model"),
        "instructions": body.get("instructions"),
        "tools": tools,
        "top_p": _number(body.get("top_p")),
        "temperature": _number(body.get("temperature")),
        "reasoning_effort": body.get("reasoning_effort"),
        "tool_resources": resources(body.get("tool_resources"), tools),
        "metadata": new_metadata({}, body.get("metadata")),
        "response_format": body.get("response_format") or "auto",
    }


def _number(value: float | None) -> float:
    return 1.0 if value is None else value


def tool(edition: str, given: Mapping[str, Any]) -> Members:
    """A tool as it comes back: a function with parameters and `strict`, a file search with its ranking."""
    match given:
        case {"type": "function", "function": function}:
            made: Members = {"name": function["name"]}
            if function.get("description") is not None:
                made["description"] = function["description"]
            made["parameters"] = function.get("parameters") or {"type": "object", "properties": {}}
            if edition >= "2024-08-06":
                made["strict"] = bool(function.get("strict"))
            return {"type": "function", "function": made}
        case {"type": "file_search"} if edition >= "2024-08-28":
            search = dict(given.get("file_search") or {})
            search["ranking_options"] = {**_RANKING, **(search.get("ranking_options") or {})}
            return {"type": "file_search", "file_search": search}
        case _:
            return dict(given)


def resources(given: Members | None, tools: list[Members] | None = None) -> Members:
    """Tool resources as they come back. A vector store to be made is answered by the id that it got."""
    made: Members = {}
    given = given or {}
    if "code_interpreter" in given:
        made["code_interpreter"] = {"file_ids": list((given["code_interpreter"] or {}).get("file_ids") or [])}
    elif any(used["type"] == "code_interpreter" for used in tools or []):
        made["code_interpreter"] = {"file_ids": []}
    if "file_search" in given:
        search = given["file_search"] or {}
        stores = list(search.get("vector_store_ids") or [])
        stores += [f"vs_{number:024d}" for number, _ in enumerate(search.get("vector_stores") or [], 1)]
        made["file_search"] = {"vector_store_ids": stores}
    return made


def new_metadata(old: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
    """The metadata after a change: what is given replaces what was there."""
    return dict(given or {})


def new_message(call: Call, thread: Thread, body: Members) -> Message:
    """A message that a request adds to a thread."""
    world = call.world
    content = body["content"]
    if content == "":
        raise refusal.empty_content()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    now = world.clock.now()
    return Message(
        id=world.behaviour.new_id(world, "message"),
        seq=world.seq(),
        created_at=now,
        thread_id=thread.id,
        role=body["role"],
        content=[_part(part) for part in parts],
        attachments=list(body.get("attachments") or []),
        metadata=world.behaviour.new_metadata({}, body.get("metadata")),
        completed_at=now,
    )


def _part(part: Members) -> Members:
    match part:
        case {"type": "text", "text": text}:
            return {"type": "text", "text": {"value": text, "annotations": []}}
        case {"type": kind}:
            return {"type": kind, kind: {"detail": "auto", **part[kind]}}
        case _:
            return dict(part)


def add_messages(call: Call, thread: Thread, bodies: list[Members]) -> None:
    """Add messages to a thread, in order; none if one of them is refused."""
    made = [call.world.behaviour.new_message(call, thread, body) for body in bodies]
    thread.messages.update({message.id: message for message in made})


def messages_of(thread: Thread, run_id: str | None) -> list[Message]:
    """The thread's messages, or those that one run made."""
    return [message for message in thread.messages.values() if run_id is None or message.run_id == run_id]


def new_run(call: Call, thread: Thread, assistant: Assistant, body: Members) -> Run:
    """The run that a body asks for: its own members, else the assistant's, else the defaults."""
    world = call.world
    now = world.clock.now()
    return Run(
        id=world.behaviour.new_id(world, "run"),
        seq=world.seq(),
        created_at=now,
        thread_id=thread.id,
        assistant_id=assistant.id,
        model=_or(body.get("model"), assistant.members["model"]),
        instructions=world.behaviour.instructions(assistant, body),
        tools=run_tools(world.options.edition, assistant, body),
        metadata=world.behaviour.new_metadata({}, body.get("metadata")),
        settings=world.behaviour.settings(assistant, body),
        expires_at=int(now) + world.options.expires_s,
        include=frozenset(call.query.get("include", ())),
    )


def instructions(assistant: Assistant, body: Members) -> str | None:
    """The instructions of a run: given ones replace the assistant's, additional ones come after."""
    base: str | None = _or(body.get("instructions"), assistant.members["instructions"])
    more: str | None = body.get("additional_instructions")
    return base if not more else f"{base}\n{more}" if base else more


def run_tools(edition: str, assistant: Assistant, body: Members) -> list[Members]:
    """The tools of a run: given ones replace the assistant's."""
    given = body.get("tools")
    return list(assistant.members["tools"]) if given is None else [tool(edition, item) for item in given]


def settings(assistant: Assistant, body: Members) -> Members:
    """The members of a run that only say how it is to work."""
    mine = assistant.members
    parallel = body.get("parallel_tool_calls")
    return {
        "temperature": _or(body.get("temperature"), mine["temperature"]),
        "top_p": _or(body.get("top_p"), mine["top_p"]),
        "reasoning_effort": _or(body.get("reasoning_effort"), mine["reasoning_effort"]),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None, **(body.get("truncation_strategy") or {})},
        "response_format": _or(body.get("response_format"), mine["response_format"]),
        "tool_choice": _or(body.get("tool_choice"), "auto"),
        "parallel_tool_calls": True if parallel is None else parallel,
    }


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def holds_lock(run: Run) -> bool:
    """Whether the run keeps its thread locked."""
    return run.status not in TERMINAL


def _holder(call: Call, thread: Thread) -> Run | None:
    return next((run for run in thread.runs.values() if call.world.behaviour.holds_lock(run)), None)


async def admit_run(call: Call, thread: Thread) -> None:
    """Refuse a run on a thread that another run keeps locked."""
    if holder := _holder(call, thread):
        raise refusal.already_active(thread.id, holder.id)


async def admit_message(call: Call, thread: Thread) -> None:
    """Refuse a message to a thread that a run keeps locked."""
    if holder := _holder(call, thread):
        raise refusal.locked(thread.id, holder.id)


async def admit_outputs(call: Call, run: Run) -> None:
    """Refuse outputs that the run does not wait for."""
    call.world.behaviour.check_submit(call.world, run, call.body["tool_outputs"])


def check_runnable(thread: Thread, assistant: Assistant, body: Members) -> None:
    """Refuse a run that would have nothing to go by: no user message and no instructions."""
    spoken = any(message.role == "user" for message in thread.messages.values())
    spoken = spoken or any(message["role"] == "user" for message in body.get("additional_messages") or [])
    if not spoken and not instructions(assistant, body):
        raise refusal.nothing_to_run()


def remove_thread(call: Call, thread: Thread) -> None:
    """Forget a thread and everything in it; streams of its runs end."""
    del call.store.threads[thread.id]
    for run in thread.runs.values():
        run.notes["gone"] = True
        run.changed.set()


def remove_message(thread: Thread, message: Message) -> None:
    """Forget a message."""
    del thread.messages[message.id]
