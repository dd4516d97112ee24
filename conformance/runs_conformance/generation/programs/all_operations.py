"""One well-formed step for each operation, all on the same few objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.generation.programs.fragments import Fragment, require, start_waiting_run, submit
from runs_conformance.generation.programs.responses import item_count
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    message,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext

UNKNOWN_IDS: Mapping[str, str] = {
    "assistant_id": "asst_" + "0" * 24,
    "thread_id": "thread_" + "0" * 24,
    "message_id": "msg_" + "0" * 24,
    "run_id": "run_" + "0" * 24,
    "step_id": "step_" + "0" * 24,
}
"""For each path parameter a well-formed id that no target has issued."""

RUN_STEP = Ref("steps", "/data/0/id")
"""The step of the waiting run that `create_objects` creates."""


def create_objects(context: ProgramContext) -> Fragment:
    """Create an assistant, a thread with a message and a waiting run, and an idle thread named `other`.

    Returns whether all of them exist.
    """
    busy_thread = thread(context, text=prompt(context, "call_one"))
    if not (yield from require(assistant(context), thread(context, "other"), busy_thread, message(name="message"))):
        return False
    if not (yield from start_waiting_run(context)):
        return False
    steps: Exchange = yield page("list_run_steps", name="steps")
    return item_count(steps) > 0


def steps_on_ids() -> Iterator[Step]:
    """Yield a step for each operation with an id in its path: reads first, deletions last.

    Each would succeed if its owner sent it, so that a refusal is conclusive.
    """
    yield on_assistant("get_assistant")
    yield on_thread("get_thread")
    yield page("list_messages")
    yield on_message("get_message")
    yield page("list_runs")
    yield on_run("get_run")
    yield page("list_run_steps")
    yield on_step(RUN_STEP)
    yield on_assistant("modify_assistant", body={"metadata": {"who": "stranger"}})
    yield on_thread("modify_thread", body={"metadata": {"who": "stranger"}})
    yield on_message("modify_message", body={"metadata": {"who": "stranger"}})
    yield on_run("modify_run", body={"metadata": {"who": "stranger"}})
    yield message("From a stranger.", "other")
    yield run("intruder", "other")
    yield submit()
    yield on_run("cancel_run")
    yield on_message("delete_message")
    yield on_thread("delete_thread")
    yield on_assistant("delete_assistant")


def all_steps(context: ProgramContext) -> Iterator[Step]:
    """Yield a step for each of the 23 operations."""
    yield page("list_assistants", limit=1)
    yield at_root("create_assistant", {"model": context.model}, name="stray_assistant")
    yield at_root("create_thread", {}, name="stray_thread")
    yield at_root("create_thread_and_run", {"assistant_id": Ref("assistant")}, name="stray")
    yield from steps_on_ids()


def read_objects() -> Fragment:
    """Read, as their owner, the objects that others may have tried to change."""
    yield on_assistant("get_assistant")
    yield on_thread("get_thread")
    yield on_run("get_run")
    yield on_message("get_message")
    yield page("list_runs")
    yield page("list_messages")
    yield page("list_run_steps")
    yield page("list_runs", "other")
    yield page("list_messages", "other")
    return True
