"""A survey of a target: few requests that show which operations exist, each on an object that exists if possible.

A made-up id would not do: frameworks respond to it as to a missing route.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.responses import has_id, item_count
from runs_conformance.generation.programs.steps import (
    PROMPTS,
    at_root,
    message,
    on_assistant,
    on_message,
    on_run,
    on_thread,
    page,
)
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Exchange

RUN, STREAM = "run", "stream"
"""The names of the run that is created without a stream, and of the one with a stream."""

_MESSAGES = [{"role": "user", "content": PROMPTS["plain"]}]

CREATE_THREAD = Step(operation="create_thread", name="thread", body={"messages": _MESSAGES}, role=Role.FIXTURE)


def survey(model: str) -> Generator[Step, Any, None]:
    """Call each operation once, and start two short runs, one of them with a stream."""
    listed: Exchange = yield page("list_assistants", name="listed", limit=1)
    body = {"model": model, "instructions": "Answer briefly."}
    created: Exchange = yield at_root("create_assistant", body, name="assistant", role=Role.FIXTURE)
    assistant = Ref("assistant") if has_id(created) else Ref("listed", "/data/0/id") if item_count(listed) else None
    if has_id(created):
        yield on_assistant("get_assistant")
        yield on_assistant("modify_assistant", body={})
    if not has_id((yield CREATE_THREAD)) and not has_id((yield at_root("create_thread", {}, name="thread"))):
        return
    yield on_thread("get_thread")
    yield on_thread("modify_thread", body={})
    yield page("list_messages", "thread")
    yield page("list_runs", "thread")
    added: Exchange = yield message(name="message")
    if has_id(added):
        yield on_message("get_message")
        yield on_message("modify_message", body={})
    if assistant is not None:
        yield from _survey_runs(assistant)
    if has_id(added):
        yield on_message("delete_message")


def _survey_runs(assistant: Ref) -> Generator[Step, Any, None]:
    body = {"assistant_id": assistant}
    run = STREAM
    streamed: Exchange = yield on_thread("create_run", body={**body, "stream": True}, name=STREAM, stream=True)
    if not has_id(streamed):
        run = RUN
        if not has_id((yield on_thread("create_run", body=body, name=RUN, role=Role.FIXTURE))):
            run = ""
    yield at_root("create_thread_and_run", {**body, "thread": {"messages": _MESSAGES}}, name="combined")
    if not run:
        return
    yield on_run("get_run", run)
    yield on_run("modify_run", run, body={})
    steps: Exchange = yield page("list_run_steps", run, "thread", name="steps")
    step = Ref("steps", "/data/0/id") if item_count(steps) else UNKNOWN_IDS["step_id"]
    path = {"thread_id": Ref("thread"), "run_id": Ref(run), "step_id": step}
    yield Step(operation="get_run_step", path=path)
    yield on_run("submit_tool_outputs", run, body={"tool_outputs": []})
    yield on_run("cancel_run", run)
