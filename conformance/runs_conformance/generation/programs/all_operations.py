"""One well-formed step for each operation, all on the same few objects."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runs_conformance.generation.programs.fragments import give_up, prepare_caller, submit
from runs_conformance.generation.programs.responses import has_id, item_count, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    forced_call,
    message,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Instruction, Ref, Step
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
"""The step of the run that `create_objects` creates."""


@dataclass(frozen=True, slots=True)
class TestObjects:
    """The names of the responses that show the objects of a program; steps on other objects cannot be sent.

    `waiting` is among them if the run waits for tool outputs.
    """

    __test__ = False
    names: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def can_send(self, step: Step) -> bool:
        """Whether the objects of a step exist, in a state in which its owner could send it."""
        if step.operation == "cancel_run" and "waiting" not in self:
            return False
        return references_in((step.path, step.body)) <= self.names

    def sendable(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yield the steps that can be sent."""
        # A generator, because a program sends exchanges into it.
        for step in steps:
            if self.can_send(step):
                yield step


def references_in(value: object) -> frozenset[str]:
    """The names of the responses that a part of a step refers to."""
    if isinstance(value, Ref):
        return frozenset({value.step})
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return frozenset[str]().union(*map(references_in, value))
    return frozenset()


def create_objects(context: ProgramContext) -> Generator[Instruction, Any, TestObjects | None]:
    """Create a thread with a message, an idle thread named `other`, an assistant and a run, as far as that is possible.

    The run waits for tool outputs if the target can be made to call a function. What the target does not create is
    missing, so that the operations on everything else are tested. Returns None if it creates nothing.
    """
    names: set[str] = set()
    for step in (thread(context, "other"), thread(context, text=prompt(context, "call_one"))):
        names |= {step.name} if has_id((yield step)) else set()
    if "thread" in names and has_id((yield message(name="message"))):
        names.add("message")
    if has_id((yield assistant(context))):
        names |= {"assistant"} | ((yield from _start_some_run(context)) if "thread" in names else set())
    if not names:
        yield from give_up("a thread or an assistant")
        return None
    if "run" in names:
        steps: Exchange = yield page("list_run_steps", name="steps")
        names |= {"steps"} if item_count(steps) else set()
    return TestObjects(frozenset(names))


def _start_some_run(context: ProgramContext) -> Generator[Instruction, Any, set[str]]:
    """Start a run, if possible one that waits for tool outputs; returns the names of the responses that show it."""
    calls = yield from prepare_caller(context)
    for members in (*([forced_call(context)] * context.request_forms.call_attempts if calls else ()), {}):
        if not has_id((yield run(**members))):
            continue
        response: Exchange = yield poll(name="waiting")
        if pending_call_count(response):
            return {"run", "waiting"}
        if status(response) != "completed" or not members:
            return {"run"}
    return set()


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


def read_objects(objects: TestObjects) -> Iterator[Step]:
    """Yield reads, as their owner, of the objects that others may have tried to change."""
    yield from objects.sendable(
        (
            on_assistant("get_assistant"),
            on_thread("get_thread"),
            on_run("get_run"),
            on_message("get_message"),
            page("list_runs"),
            page("list_messages"),
            page("list_run_steps"),
            page("list_runs", "other"),
            page("list_messages", "other"),
        )
    )
