"""Programs about the lock: what an active run keeps out of its thread, and what it does not."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ended, finished, ready, submit, waiting
from runs_conformance.generation.programs.responses import made, status
from runs_conformance.generation.programs.steps import (
    MADE_UP_OUTPUTS,
    assistant,
    message,
    on_message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting


@program("lifecycle", "core", runs=3, requests=26, quick=True)
def locked_while_running(setting: Setting) -> Play:
    """A thread takes no message and no second run while a run is queued or in progress, and both afterwards."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")), run())):
        return
    yield message("Too early.")
    yield from _second_run()
    yield on_run("get_run")
    seen: Exchange = yield poll(until=("in_progress",))
    if status(seen) == "in_progress":
        yield message("Still too early.")
        yield from _second_run()
        yield on_run("submit_tool_outputs", body=MADE_UP_OUTPUTS)
        yield on_run("get_run")
        yield page("list_runs", tag="")
        yield page("list_messages", tag="", order="asc")
    if not (yield from ended()):
        return
    yield message("Now.")
    yield page("list_runs")
    yield page("list_messages", order="asc")


@program("lifecycle", "core", runs=3, requests=66, quick=True)
def locked_while_waiting(setting: Setting) -> Play:
    """A thread whose run waits for tool outputs takes no message and no run, another does; both are read as usual."""
    talk = thread(setting, text=prompt(setting, "call_one"))
    if not (yield from ready(assistant(setting), assistant(setting, "another"), thread(setting, "other"), talk)):
        return
    if not (yield from waiting(additional_messages=[{"role": "user", "content": "In one word, please."}])):
        return
    before: Exchange = yield page("list_messages", name="before")
    # Writing to what is locked comes first, so that a lock that gives way to it is seen to be gone.
    yield on_thread("modify_thread", body={"metadata": {"while": "locked"}})
    yield on_thread("get_thread")
    if isinstance(before.member("first_id"), str):
        of = Ref("before", "/first_id")
        yield on_message("get_message", of)
        yield on_message("modify_message", of, body={"metadata": {"while": "locked"}})
        yield on_message("get_message", of)
    yield on_run("modify_run", body={"metadata": {"while": "waiting"}})
    yield on_run("get_run")
    yield page("list_run_steps")
    yield message("Not now.")
    yield page("list_messages")
    yield from _second_run()
    yield from _second_run("another", stream=True)
    yield page("list_runs")
    yield message("This thread is free.", "other")
    yield from _elsewhere()
    yield submit()
    yield message("Still not.")
    yield from _second_run()
    yield on_run("get_run")
    if not (yield from finished(seen="resumed")):
        return
    yield on_thread("get_thread")
    yield message("Now.")
    yield page("list_messages", order="asc")


def _elsewhere() -> Passage:
    """A run on another thread, which no lock of the first concerns, between looks that say the first still waits."""
    elsewhere: Exchange = yield run("elsewhere", "other")
    yield on_run("get_run")
    return (yield from ended("elsewhere", "other")) if made(elsewhere) else False


def _second_run(of: str = "assistant", **members: Any) -> Passage:
    """Try to start another run that brings a message along; a target that takes it is rid of it again."""
    along = [{"role": "user", "content": "Brought along."}]
    second: Exchange = yield run("second", assistant=of, additional_messages=along, **members)
    if second.accepted:
        yield on_run("get_run")
        yield from ready(on_run("get_run", "second"))
        return (yield from ended("second"))
    return True
