"""What can be seen of objects that exist already, by reading alone; others may be using them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.generation.programs.all_operations import UNKNOWN
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ready
from runs_conformance.generation.programs.responses import items
from runs_conformance.generation.programs.steps import (
    assistant,
    given_run,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    thread,
    vain,
)
from runs_conformance.model.case import Key, Mutation, Ref, Reject, Role, Step
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import UNKNOWN_ID

_MOST = 4
"""So many objects of a list are looked at one by one."""

_TEXT = "--read-only"


@program("lifecycle", "core", requests=90, quick=True, writes=False, needs="read_only", needs_text=_TEXT)
def what_exists(setting: Setting) -> Play:
    """The objects that were given are read in every way there is."""
    yield from _pages("list_assistants")
    if not (yield from _found(setting)):
        return
    for operation in ("list_messages", "list_runs"):
        yield from _pages(operation, "thread")
    messages = yield page("list_messages", tag="", name="messages")
    for index in range(min(items(messages), _MOST)):
        yield on_message("get_message", Ref("messages", f"/data/{index}/id"))
    runs = yield page("list_runs", tag="", name="runs")
    for index in range(min(items(runs), _MOST)):
        yield from _run(Ref("runs", f"/data/{index}/id"), f"steps_{index}")
    if "run" in setting.given and (yield from ready(given_run(setting))):
        yield from _run(Ref("run"), "steps")
    yield from _elsewhere()


@program("security", "auth", requests=20, quick=True, writes=False, needs="read_only", needs_text=_TEXT)
def reading_without_a_key(setting: Setting) -> Play:
    """What exists is shown to nobody who comes without a key or with a wrong one."""
    if not (yield from _found(setting)):
        return
    looks = [page("list_assistants", tag="")]
    looks += [on_assistant("get_assistant")] if "assistant" in setting.given else []
    if "thread" in setting.given:
        looks += [on_thread("get_thread"), page("list_messages", tag=""), page("list_runs", tag="")]
    for look in looks:
        for key in (Key.NONE, Key.WRONG):
            yield replace(look, key=key, role=Role.NEGATIVE, expectation=Reject((401, 403)))


def _found(setting: Setting) -> Passage:
    """Whether the objects that were given are there; without a thread there is nothing more to read."""
    if "assistant" in setting.given and not (yield from ready(assistant(setting))):
        return False
    return "thread" in setting.given and (yield from ready(thread(setting)))


def _run(run: Ref, steps: str) -> Passage:
    yield on_run("get_run", run)
    yield page("list_run_steps", run, tag="", order="asc")
    shown = yield page("list_run_steps", run, tag="", name=steps)
    for index in range(min(items(shown), _MOST)):
        yield on_step(Ref(steps, f"/data/{index}/id"), run)
    return True


def _pages(operation: str, *of: str) -> Passage:
    for order in ("asc", "desc"):
        for limit in (1, 2, 100):
            yield page(operation, *of, tag="", order=order, limit=limit)
    return True


def _elsewhere() -> Iterator[Step]:
    """Looks at what is not there."""
    for step, parameter in (
        (on_thread("get_thread"), "thread_id"),
        (on_run("get_run", Ref("thread")), "run_id"),
        (on_message("get_message", Ref("thread")), "message_id"),
    ):
        became = UNKNOWN[parameter]
        mutation = Mutation(f"/{parameter}", "x-references", ABSENT, became, "path")
        yield replace(vain(step, UNKNOWN_ID), path={**step.path, parameter: became}, mutation=mutation)
