"""Actions of a random walk on threads, messages and assistants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from runs_conformance.generation.fuzzing.random_body import random_body
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.generation.programs.steps import (
    at_root,
    edition_includes,
    on_assistant,
    on_message,
    on_thread,
    page,
)
from runs_conformance.model.case import DanglingReference, Step

_MAX_RUN_TOOLS = 20


def create_thread(state: WalkState, random: Random) -> Step | None:
    """Create a thread, if there are fewer than three."""
    return at_root("create_thread", random_body(state, random, "create_thread")) if len(state.threads) < 3 else None


def create_long_thread(state: WalkState, random: Random) -> Step | None:
    """A thread with enough messages for several pages."""
    count = random.randint(5, 9)
    bodies = [dict(random_body(state, random, "create_message", 0.3)) for _ in range(count)]
    return at_root(
        "create_thread", {"messages": [{**body, "content": f"Message {n}."} for n, body in enumerate(bodies)]}
    )


def get_thread(state: WalkState, random: Random) -> Step | None:
    """Read a thread."""
    return _on_some_thread(state, random, "get_thread")


def modify_thread(state: WalkState, random: Random) -> Step | None:
    """Modify one member of a thread, or several."""
    body = random_body(state, random, "modify_thread")
    only = random.choice(list(body)) if body and random.random() < 0.6 else None
    return _on_some_thread(state, random, "modify_thread", {only: body[only]} if only else body)


def delete_thread(state: WalkState, random: Random) -> Step | None:
    """Delete a thread, late in the walk."""
    return _on_some_thread(state, random, "delete_thread") if state.steps > 8 else None


def read_deleted_thread(state: WalkState, random: Random) -> Step | None:
    """Read a deleted thread or one of its lists."""
    deleted = [thread for thread in state.threads if thread.is_deleted]
    if not deleted:
        return None
    ref = random.choice(deleted).ref
    steps = [on_thread("get_thread", ref), page("list_messages", ref), page("list_runs", ref)]
    return replace(random.choice(steps), dangling=DanglingReference.DELETED)


def create_message(state: WalkState, random: Random) -> Step | None:
    """Add a message to a thread."""
    return _on_some_thread(state, random, "create_message", random_body(state, random, "create_message"))


def get_message(state: WalkState, random: Random) -> Step | None:
    """Read a message."""
    return _on_some_message(state, random, "get_message")


def modify_message(state: WalkState, random: Random) -> Step | None:
    """Modify a message."""
    return _on_some_message(state, random, "modify_message", random_body(state, random, "modify_message"))


def delete_message(state: WalkState, random: Random) -> Step | None:
    """Delete a message, in editions that allow it."""
    return _on_some_message(state, random, "delete_message") if edition_includes(state.context, "2024-05-02") else None


def _on_some_thread(state: WalkState, random: Random, operation: str, body: object = ..., **rest: Any) -> Step | None:
    threads = state.existing_threads()
    if not threads:
        return None
    members = {} if body is ... else {"body": body}
    return on_thread(operation, random.choice(threads).ref, **members, **rest)


def _on_some_message(state: WalkState, random: Random, operation: str, body: object = ...) -> Step | None:
    messages = [(thread, ref) for thread in state.existing_threads() for ref in thread.messages.values()]
    if not messages:
        return None
    thread, ref = random.choice(messages)
    members = {} if body is ... else {"body": body}
    return on_message(operation, ref, thread.ref, **members)


def create_assistant(state: WalkState, random: Random) -> Step | None:
    """Create an assistant, if there are fewer than four and none is supplied."""
    if len(state.assistants) > 3 or "assistant" in state.context.use:
        return None
    return at_root("create_assistant", _within_tool_limit(random_body(state, random, "create_assistant")))


def get_assistant(state: WalkState, random: Random) -> Step | None:
    """Read an assistant."""
    return on_assistant("get_assistant", random.choice(state.assistants)) if state.assistants else None


def modify_assistant(state: WalkState, random: Random) -> Step | None:
    """Modify an assistant that the walk created."""
    if not state.assistants or "assistant" in state.context.use:
        return None
    body = random_body(state, random, "modify_assistant", 0.3)
    return on_assistant("modify_assistant", random.choice(state.assistants), _within_tool_limit(body))


def delete_assistant(state: WalkState, random: Random) -> Step | None:
    """Delete an assistant other than the first."""
    if len(state.assistants) < 2 or "assistant" in state.context.use:
        return None
    return on_assistant("delete_assistant", random.choice(state.assistants[1:]))


def _within_tool_limit(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with at most as many tools as a run may have, because a run inherits those of its assistant."""
    tools = body.get("tools")
    return {**body, "tools": tools[:_MAX_RUN_TOOLS]} if tools else dict(body)
