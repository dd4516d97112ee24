"""Programs in which a run ends by itself."""

from __future__ import annotations

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Fragment, read_everything, require
from runs_conformance.generation.programs.refused import with_fixed_members, with_invalid_member
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    assistant,
    message,
    on_run,
    on_thread,
    page,
    poll,
    run,
    thread,
)
from runs_conformance.model.case import Ref
from runs_conformance.model.program import ProgramContext, StepGenerator


@program("lifecycle", "core", runs=1, requests=47)
def complete_by_polling(context: ProgramContext) -> StepGenerator:
    """A run is polled to its end, its results are read, and then it is cancelled, sent tool outputs and modified.

    The messages are listed as soon as it is created, and again after its end before anything else is sent, since a
    target may cache the list and not update it when the run answers. Its thread accepts a message again. Only the
    metadata of the ended run can change.
    """
    step = run(metadata={"first": "yes"}, additional_instructions="Use no more than ten words.")
    if not (yield from require(assistant(context), thread(context), step)):
        return
    yield page("list_messages")
    yield on_run("get_run")
    yield page("list_runs")
    yield page("list_run_steps")
    yield poll(until=TERMINAL_STATUSES)
    yield page("list_messages")
    yield from read_everything()
    yield page("list_run_steps", order="asc")
    yield on_thread("get_thread")
    yield message("And once more, please.")
    yield page("list_messages", order="asc")
    yield page("list_messages", run_id=Ref("run"))
    yield on_run("get_run")
    yield from _try_to_change_ended_run()


def _try_to_change_ended_run() -> Fragment:
    """Cancel the ended run and submit outputs to it, both of which must be refused; then modify its metadata.

    One modification contains members that no request can set. The run made no calls, so that only its status is
    a reason to refuse a submission without outputs.
    """
    yield on_run("cancel_run")
    yield on_run("get_run")
    late = {"tool_outputs": [], "stream": True}
    yield on_run("submit_tool_outputs", body=late, stream=True)
    yield on_run("get_run")
    for metadata in ({"colour": "caffè 🧀", "size": "9"}, {"colour": "blue", "size": ""}):
        yield on_run("modify_run", body={"metadata": metadata})
        yield on_run("get_run")
    yield on_run("modify_run", body={})
    yield with_fixed_members(on_run("modify_run"), instructions="Changed.")
    yield on_run("get_run")
    yield with_invalid_member(on_run("modify_run", body={"metadata": {"new": "pair"}}), "/metadata/number", "type", 9)
    yield on_run("get_run")
    yield page("list_runs")
    yield page("list_run_steps")
    return True
