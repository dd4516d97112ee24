"""Programs in which what a run belongs to is deleted."""

from __future__ import annotations

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, completed, ready
from runs_conformance.generation.programs.responses import items
from runs_conformance.generation.programs.steps import (
    assistant,
    message,
    on_assistant,
    on_message,
    on_run,
    on_thread,
    page,
    run,
    thread,
    vain,
)
from runs_conformance.model.case import Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import DELETED_ID


@program("lifecycle", "core", runs=1, requests=43)
def deleted_around_a_run(setting: Setting) -> Play:
    """A finished run's message, assistant and thread are deleted one after the other, and what is left is read."""
    if not (yield from ready(assistant(setting), thread(setting))):
        return
    if not (yield from completed()):
        return
    yield from _message()
    if not setting.given.get("assistant"):
        yield from _assistant()
    deleted: Exchange = yield on_thread("delete_thread")
    if not deleted.accepted:
        return
    for step in _on_what_is_gone():
        yield vain(step, DELETED_ID)


def _message() -> Passage:
    answers: Exchange = yield page("list_messages", name="answers", run_id=Ref("run"))
    if items(answers):
        answer = Ref("answers", "/data/0/id")
        yield on_message("modify_message", answer, body={"metadata": {"rated": "good"}})
        deleted: Exchange = yield on_message("delete_message", answer)
        if deleted.accepted:
            yield vain(on_message("get_message", answer), DELETED_ID)
        yield page("list_messages")
        yield page("list_run_steps")
        yield on_run("get_run")
    return True


def _assistant() -> Passage:
    deleted: Exchange = yield on_assistant("delete_assistant")
    if deleted.accepted:
        yield vain(on_assistant("get_assistant"), DELETED_ID)
        yield vain(run("orphan"), DELETED_ID)
        yield on_run("get_run")
        yield on_thread("get_thread")
        yield page("list_runs")
        yield message("Still here.")
    return True


def _on_what_is_gone() -> list[Step]:
    return [
        on_thread("get_thread"),
        on_run("get_run"),
        page("list_runs", tag=""),
        page("list_run_steps", tag=""),
        page("list_messages", tag=""),
        on_thread("modify_thread", body={"metadata": {"too": "late"}}),
        on_run("modify_run", body={"metadata": {"too": "late"}}),
        on_run("cancel_run"),
        message("Too late."),
        run("too_late"),
    ]
