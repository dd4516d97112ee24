"""Programs that only read existing objects, which other clients may be using meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Fragment, require
from runs_conformance.generation.programs.responses import item_count
from runs_conformance.generation.programs.steps import (
    assistant,
    dangling_reference,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    run_in_use,
    thread,
)
from runs_conformance.model.case import DanglingReference, Key, Mutation, Ref, Refuse, Role, Step
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import ProgramContext, StepGenerator

_MAX_OBJECTS = 4
"""How many objects of a list are read individually."""

_NEEDS_TEXT = "--read-only"


@program("lifecycle", "core", requests=90, writes=False, needs="read_only", needs_text=_NEEDS_TEXT)
def what_exists(context: ProgramContext) -> StepGenerator:
    """Existing objects are read by every read operation, in every order and with several page sizes."""
    yield from _read_pages("list_assistants")
    if not (yield from _require_objects_in_use(context)):
        return
    for operation in ("list_messages", "list_runs"):
        yield from _read_pages(operation, "thread")
    messages = yield page("list_messages", name="messages")
    for index in range(min(item_count(messages), _MAX_OBJECTS)):
        yield on_message("get_message", Ref("messages", f"/data/{index}/id"))
    runs = yield page("list_runs", name="runs")
    for index in range(min(item_count(runs), _MAX_OBJECTS)):
        yield from _read_run(Ref("runs", f"/data/{index}/id"), f"steps_{index}")
    if "run" in context.use and (yield from require(run_in_use(context))):
        yield from _read_run(Ref("run"), "steps")
    yield from _unknown_ids()


@program("security", "auth", requests=20, writes=False, needs="read_only", needs_text=_NEEDS_TEXT)
def reading_without_a_key(context: ProgramContext) -> StepGenerator:
    """Existing objects are read without a key and with a wrong one."""
    if not (yield from _require_objects_in_use(context)):
        return
    reads = [page("list_assistants")]
    reads += [on_assistant("get_assistant")] if "assistant" in context.use else []
    if "thread" in context.use:
        reads += [on_thread("get_thread"), page("list_messages"), page("list_runs")]
    for read in reads:
        for key in (Key.NONE, Key.WRONG):
            yield replace(read, key=key, role=Role.NEGATIVE, expectation=Refuse(UNAUTHORIZED_STATUSES))


def _require_objects_in_use(context: ProgramContext) -> Fragment:
    """Read the objects in use; returns whether they exist and include a thread, which everything else needs."""
    if "assistant" in context.use and not (yield from require(assistant(context))):
        return False
    return "thread" in context.use and (yield from require(thread(context)))


def _read_run(run: Ref, steps: str) -> Fragment:
    yield on_run("get_run", run)
    yield page("list_run_steps", run, order="asc")
    listed_steps = yield page("list_run_steps", run, name=steps)
    for index in range(min(item_count(listed_steps), _MAX_OBJECTS)):
        yield on_step(Ref(steps, f"/data/{index}/id"), run)
    return True


def _read_pages(operation: str, *parents: str) -> Fragment:
    for order in ("asc", "desc"):
        for limit in (1, 2, 100):
            yield page(operation, *parents, order=order, limit=limit)
    return True


def _unknown_ids() -> Iterator[Step]:
    """Yield reads of objects that do not exist."""
    for step, parameter in (
        (on_thread("get_thread"), "thread_id"),
        (on_run("get_run", Ref("thread")), "run_id"),
        (on_message("get_message", Ref("thread")), "message_id"),
    ):
        unknown_id = UNKNOWN_IDS[parameter]
        mutation = Mutation(f"/{parameter}", "x-references", ABSENT, unknown_id, "path")
        yield replace(
            dangling_reference(step, DanglingReference.UNKNOWN),
            path={**step.path, parameter: unknown_id},
            mutation=mutation,
        )
