"""Programs that refer to objects that do not exist: unknown ids, malformed ids, ids under another parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.programs.all_operations import (
    RUN_STEP,
    UNKNOWN_IDS,
    create_objects,
    read_objects,
    steps_on_ids,
)
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import cancel_finally, submit
from runs_conformance.generation.programs.steps import (
    at_root,
    dangling_reference,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
)
from runs_conformance.model.case import DanglingReference, Mutation, Step
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import ProgramContext, StepGenerator

MALFORMED_IDS: Mapping[str, str] = {
    "assistant_id": "undefined",
    "thread_id": "undefined",
    "message_id": "msg",
    "run_id": "null",
    "step_id": "0",
}
"""For each path parameter a malformed id, as defective clients send it."""


@program("security", "core", runs=1, requests=98)
def references(context: ProgramContext) -> StepGenerator:
    """Every operation with an id is called with unknown ids, malformed ids, and ids that belong to another thread.

    Each call must be refused and change nothing.
    """
    objects = yield from create_objects(context)
    if objects is None:
        return
    yield from objects.sendable((on_message("get_message"),))
    yield from objects.sendable(_steps_with_dangling_ids())
    if "thread" not in context.use:
        yield from objects.sendable((page("list_messages", "other"),))
        for step in objects.sendable(_through_other_thread("other")):
            yield dangling_reference(step, DanglingReference.FOREIGN)
    yield from read_objects(objects)
    if "waiting" in objects:
        yield from cancel_finally()
    if "thread" not in context.use:
        # A deletion by the right path shows that the others were not refused because there is none.
        yield from objects.sendable((on_message("delete_message"),))


def _steps_with_dangling_ids() -> Iterator[Step]:
    """Yield every operation with an unknown and with a malformed id."""
    for dangling_ids, kind in ((UNKNOWN_IDS, DanglingReference.UNKNOWN), (MALFORMED_IDS, DanglingReference.MALFORMED)):
        for step in steps_on_ids():
            yield _with_dangling_id(step, OPERATIONS[step.operation].parameters[-1], dangling_ids, kind)
        yield _with_dangling_assistant(on_thread("create_run", "other"), dangling_ids["assistant_id"], kind)
        yield _with_dangling_assistant(at_root("create_thread_and_run"), dangling_ids["assistant_id"], kind)
    for step in (on_run("get_run"), page("list_run_steps"), on_message("get_message")):
        yield _with_dangling_id(step, "thread_id", UNKNOWN_IDS, DanglingReference.UNKNOWN)
    yield _with_dangling_id(on_step(RUN_STEP), "run_id", UNKNOWN_IDS, DanglingReference.UNKNOWN)


def _through_other_thread(other_thread: str) -> tuple[Step, ...]:
    """Steps on objects of one thread through the path of another."""
    return (
        on_run("get_run", thread=other_thread),
        page("list_run_steps", "run", other_thread),
        on_step(RUN_STEP, thread=other_thread),
        on_run("modify_run", thread=other_thread, body={"metadata": {"who": "stranger"}}),
        submit(thread=other_thread),
        on_run("cancel_run", thread=other_thread),
        on_message("get_message", thread=other_thread),
        on_message("modify_message", thread=other_thread, body={"metadata": {"who": "stranger"}}),
        on_message("delete_message", thread=other_thread),
    )


def _with_dangling_id(step: Step, parameter: str, dangling_ids: Mapping[str, str], kind: DanglingReference) -> Step:
    """Replace an id in the step's path with one that does not exist."""
    dangling_id = dangling_ids[parameter]
    mutation = Mutation(f"/{parameter}", "x-references", ABSENT, dangling_id, "path")
    return replace(
        dangling_reference(step, kind), name="", path={**step.path, parameter: dangling_id}, mutation=mutation
    )


def _with_dangling_assistant(step: Step, id_: str, kind: DanglingReference) -> Step:
    """Turn the step into the creation of a run with an assistant that does not exist."""
    mutation = Mutation("/assistant_id", "x-references", ABSENT, id_)
    return replace(dangling_reference(step, kind), body={"assistant_id": id_}, mutation=mutation)
