"""Programs that delete the objects that a run belongs to."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Fragment, cancel_and_wait, complete_run, give_up, require
from runs_conformance.generation.programs.responses import has_id, item_count
from runs_conformance.generation.programs.steps import (
    assistant,
    dangling_reference,
    message,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    run,
    thread,
)
from runs_conformance.model.case import DanglingReference, Instruction, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator


@program("lifecycle", "core", runs=1, requests=43)
def deleted_around_a_run(context: ProgramContext) -> StepGenerator:
    """The message, assistant and thread of an ended run are deleted in turn, and the remaining objects are read."""
    if not (yield from require(assistant(context), thread(context))):
        return
    if not (yield from complete_run()):
        return
    left, steps = yield from _delete_message()
    if not context.use.get("assistant"):
        yield from _delete_assistant()
    if not (yield from _delete_thread()):
        return
    for step in _steps_on_deleted_thread(has_message=item_count(left) > 0, has_step=item_count(steps) > 0):
        yield dangling_reference(step, DanglingReference.DELETED)


@program("lifecycle", "core", requests=14)
def deleted_thread(context: ProgramContext) -> StepGenerator:
    """A thread on which nothing has run is deleted, and then given a message and a run.

    It must accept neither. No other request is needed, so that defects of other operations hide nothing.
    """
    if context.use.get("thread") or not (yield from require(assistant(context), thread(context))):
        return
    if not (yield from _delete_thread()):
        return
    for step in (run("too_late"), message("Too late."), page("list_runs"), on_thread("get_thread")):
        answer: Exchange = yield dangling_reference(step, DanglingReference.DELETED)
        if step.operation == "create_run" and has_id(answer):
            yield from cancel_and_wait("too_late")


def _delete_thread() -> Fragment:
    deleted: Exchange = yield on_thread("delete_thread")
    return deleted.accepted or (yield from give_up("a thread that is deleted"))


def _delete_message() -> Generator[Instruction, Any, tuple[Exchange, Exchange]]:
    """Delete the answer of the run; returns the lists of the messages that are left and of the steps."""
    answers: Exchange = yield page("list_messages", name="answers", run_id=Ref("run"))
    if item_count(answers):
        answer = Ref("answers", "/data/0/id")
        yield on_message("modify_message", answer, body={"metadata": {"rated": "good"}})
        deleted: Exchange = yield on_message("delete_message", answer)
        if deleted.accepted:
            yield dangling_reference(on_message("get_message", answer), DanglingReference.DELETED)
    left: Exchange = yield page("list_messages", name="left")
    steps: Exchange = yield page("list_run_steps", name="steps")
    yield on_run("get_run")
    return left, steps


def _delete_assistant() -> Fragment:
    deleted: Exchange = yield on_assistant("delete_assistant")
    if deleted.accepted:
        yield dangling_reference(on_assistant("get_assistant"), DanglingReference.DELETED)
        orphan: Exchange = yield dangling_reference(run("orphan"), DanglingReference.DELETED)
        if has_id(orphan):
            yield from cancel_and_wait("orphan")
        yield on_run("get_run")
        yield on_thread("get_thread")
        yield page("list_runs")
        yield message("Still here.")
    return True


def _steps_on_deleted_thread(*, has_message: bool, has_step: bool) -> Iterator[Step]:
    """Yield requests for what was in the thread. `deleted_thread` has those that need nothing in it."""
    yield on_run("get_run")
    yield page("list_runs")
    yield page("list_run_steps")
    if has_step:
        yield on_step(Ref("steps", "/data/0/id"))
    if has_message:
        message_left = Ref("left", "/data/0/id")
        yield on_message("get_message", message_left)
        yield on_message("modify_message", message_left, body={"metadata": {"too": "late"}})
        yield on_message("delete_message", message_left)
    yield on_run("modify_run", body={"metadata": {"too": "late"}})
    yield on_run("cancel_run")
    yield message("Too late.")
    yield run("too_late")
