"""Programs in which a run goes to its end by itself."""

from __future__ import annotations

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, aftermath, ready
from runs_conformance.generation.programs.refused import broken
from runs_conformance.generation.programs.steps import (
    MADE_UP_CALL,
    OVER,
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
from runs_conformance.model.program import Play, Setting


@program("lifecycle", "core", runs=1, requests=45, quick=True)
def complete_by_polling(setting: Setting) -> Play:
    """A run is polled to its end, everything it left is read, its thread takes a message, and nothing but metadata can
    be changed of it any more.
    """
    started = run(metadata={"first": "yes"}, additional_instructions="Use no more than ten words.")
    if not (yield from ready(assistant(setting), thread(setting), started)):
        return
    yield on_run("get_run")
    yield page("list_runs", tag="")
    yield page("list_run_steps", tag="")
    yield poll(until=OVER)
    yield from aftermath()
    yield page("list_run_steps", order="asc")
    yield page("list_messages")
    yield on_thread("get_thread")
    yield message("And once more, please.")
    yield page("list_messages", order="asc")
    yield page("list_messages", run_id=Ref("run"))
    yield on_run("get_run")
    yield from _stays_finished()


def _stays_finished() -> Passage:
    """The run that is over is cancelled and sent tool outputs, which is refused, and its metadata is changed."""
    yield on_run("cancel_run")
    yield on_run("get_run")
    late = {"tool_outputs": [{"tool_call_id": MADE_UP_CALL, "output": "late"}], "stream": True}
    yield on_run("submit_tool_outputs", body=late, stream=True)
    yield on_run("get_run")
    for metadata in ({"colour": "red", "size": "9"}, {"colour": "blue"}, {"colour": ""}):
        yield on_run("modify_run", body={"metadata": metadata})
        yield on_run("get_run")
    yield on_run("modify_run", body={})
    yield on_run("get_run")
    yield broken(on_run("modify_run", body={"metadata": {"new": "pair"}}), "/metadata/number", "type", 9)
    yield on_run("get_run")
    yield page("list_runs")
    yield page("list_run_steps")
    return True
