"""Programs that refer to what is not there: unknown ids, ids of the wrong form, ids that belong elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.programs.all_operations import STEP, UNKNOWN, inhabited, unharmed, upon_ids
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import ended, submit
from runs_conformance.generation.programs.steps import at_root, on_message, on_run, on_step, on_thread, page, vain
from runs_conformance.model.case import Mutation, Step
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import FOREIGN_ID, MALFORMED_ID, UNKNOWN_ID

MALFORMED: Mapping[str, str] = {
    "assistant_id": "undefined",
    "thread_id": "undefined",
    "message_id": "msg",
    "run_id": "null",
    "step_id": "0",
}
"""For each id in a path something that is none, as clients with a fault send it."""


@program("security", "core", runs=1, requests=96)
def references(setting: Setting) -> Play:
    """Ids that name nothing, that cannot be ids, or that belong to another thread lead nowhere and change nothing."""
    if not (yield from inhabited(setting)):
        return
    yield on_message("get_message")
    for made_up, tag in ((UNKNOWN, UNKNOWN_ID), (MALFORMED, MALFORMED_ID)):
        for step in upon_ids():
            yield _misled(step, OPERATIONS[step.operation].parameters[-1], made_up, tag)
        yield _of_assistant(on_thread("create_run", "other"), made_up["assistant_id"], tag)
        yield _of_assistant(at_root("create_thread_and_run"), made_up["assistant_id"], tag)
    for step in (on_run("get_run"), page("list_run_steps", tag=""), on_message("get_message")):
        yield _misled(step, "thread_id", UNKNOWN, UNKNOWN_ID)
    yield _misled(on_step(STEP), "run_id", UNKNOWN, UNKNOWN_ID)
    for step in _through("other"):
        yield vain(step, FOREIGN_ID)
    yield from unharmed()
    yield from ended()


def _through(other: str) -> tuple[Step, ...]:
    """What belongs to the one thread, sought in the other."""
    return (
        on_run("get_run", thread=other),
        page("list_run_steps", "run", other, tag=""),
        on_step(STEP, thread=other),
        on_run("modify_run", thread=other, body={"metadata": {"who": "stranger"}}),
        submit(thread=other),
        on_run("cancel_run", thread=other),
        on_message("get_message", thread=other),
        on_message("modify_message", thread=other, body={"metadata": {"who": "stranger"}}),
        on_message("delete_message", thread=other),
    )


def _misled(step: Step, parameter: str, made_up: Mapping[str, str], tag: str) -> Step:
    """The step with an id in its path that leads nowhere."""
    became = made_up[parameter]
    mutation = Mutation(f"/{parameter}", "x-references", ABSENT, became, "path")
    return replace(vain(step, tag), name="", path={**step.path, parameter: became}, mutation=mutation)


def _of_assistant(step: Step, id_: str, tag: str) -> Step:
    """The step as a run of an assistant that is not there."""
    mutation = Mutation("/assistant_id", "x-references", ABSENT, id_)
    return replace(vain(step, tag), body={"assistant_id": id_}, mutation=mutation)
