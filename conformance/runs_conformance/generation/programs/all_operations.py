"""The whole surface: one well-formed step for each operation, upon the same few fixtures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.generation.programs.fragments import Passage, ready, submit, waiting
from runs_conformance.generation.programs.responses import items
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
from runs_conformance.model.program import Setting

UNKNOWN: Mapping[str, str] = {
    "assistant_id": "asst_" + "0" * 24,
    "thread_id": "thread_" + "0" * 24,
    "message_id": "msg_" + "0" * 24,
    "run_id": "run_" + "0" * 24,
    "step_id": "step_" + "0" * 24,
}
"""For each id in a path one of the right form that no target has given."""

STEP = Ref("steps", "/data/0/id")
"""The step of the waiting run that `inhabited` makes."""


def inhabited(setting: Setting) -> Passage:
    """An assistant, a thread with a message and a run that waits for tool outputs, and an idle thread called `other`;
    whether all of them are there.
    """
    talk = thread(setting, text=prompt(setting, "call_one"))
    if not (yield from ready(assistant(setting), thread(setting, "other"), talk, message(name="message"))):
        return False
    if not (yield from waiting()):
        return False
    steps: Exchange = yield page("list_run_steps", name="steps")
    return items(steps) > 0


def upon_ids() -> Iterator[Step]:
    """A step for each operation with an id in its path: what reads first, what deletes last.

    Each would succeed if its owner sent it, so that its refusal says something.
    """
    yield on_assistant("get_assistant")
    yield on_thread("get_thread")
    yield page("list_messages", tag="")
    yield on_message("get_message")
    yield page("list_runs", tag="")
    yield on_run("get_run")
    yield page("list_run_steps", tag="")
    yield on_step(STEP)
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


def everything(setting: Setting) -> Iterator[Step]:
    """A step for each of the 23 operations."""
    yield page("list_assistants", tag="", limit=1)
    yield at_root("create_assistant", {"model": setting.model}, name="stray_assistant")
    yield at_root("create_thread", {}, name="stray_thread")
    yield at_root("create_thread_and_run", {"assistant_id": Ref("assistant")}, name="stray")
    yield from upon_ids()


def unharmed() -> Passage:
    """What others may have tried to change, looked at by its owner."""
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
