"""Programs that walk lists: every order, limit and cursor, over lists that nothing changes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.all_operations import UNKNOWN
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, cancelled, completed, ready
from runs_conformance.generation.programs.responses import items, made
from runs_conformance.generation.programs.steps import assistant, at_root, message, on_step, page, thread, vain
from runs_conformance.model.case import Either, Ref, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import FOREIGN_ID

_CURSORS = {"list_runs": "run_id", "list_messages": "message_id", "list_run_steps": "step_id"}
_AT_ONCE = 30
"""So many messages are sent in one request: the real service was seen to refuse more than 32."""

NEXT_SECOND = 1.05
"""So many seconds set two times apart that are told in whole seconds."""


@program("lifecycle", "listing", runs=5, requests=73, seconds=NEXT_SECOND)
def pages_of_runs(setting: Setting) -> Play:
    """The five runs of a thread are listed in both orders, by pages of every size and from every side."""
    if not (yield from ready(assistant(setting), thread(setting), thread(setting, "elsewhere"))):
        return
    yield page("list_runs")
    for index in range(5):
        if index == 3:
            yield replace(page("list_runs"), pause=NEXT_SECOND)
        # Two are left to complete, the others are dealt with sooner and cheaper.
        passage = completed(f"run_{index}") if index in (0, 4) else cancelled(f"run_{index}")
        if not (yield from passage):
            return
    yield from walks("list_runs", ("thread",))
    yield page("list_runs", "elsewhere")
    yield page("list_messages")
    for index in (0, 4):
        yield page("list_messages", run_id=Ref(f"run_{index}"))
    yield page("list_messages", run_id=Ref("run_0"), limit=1)
    steps: Exchange = yield page("list_run_steps", "run_4", name="steps")
    if items(steps):
        step = Ref("steps", "/data/0/id")
        yield on_step(step, "run_4")
        yield vain(on_step(step, "run_0"), FOREIGN_ID)


@program("lifecycle", "listing", runs=1, requests=40, seconds=2 * NEXT_SECOND)
def pages_of_messages(setting: Setting) -> Play:
    """The messages of a thread, more than a page holds, are listed in both orders and by pages of every size."""
    roles = ("user", "assistant")
    many = [{"role": roles[index % 2], "content": f"Message {index}."} for index in range(60)]
    body = {"messages": many[:_AT_ONCE]}
    if not (yield from ready(at_root("create_thread", body, name="thread", role=Role.FIXTURE))):
        return
    if made((yield assistant(setting))):
        yield from cancelled(additional_messages=many[_AT_ONCE:])
    yield replace(message("One.", name="one"), pause=NEXT_SECOND)
    yield message("Two.", name="two")
    yield replace(message("Three.", name="three"), pause=NEXT_SECOND)
    yield from walks("list_messages", ("thread",), step=19)


@program("lifecycle", "listing", requests=28, seconds=NEXT_SECOND)
def pages_of_assistants(setting: Setting) -> Play:
    """Three assistants are found in the list of all, in both orders and from every side; others may come and go."""
    if setting.given.get("assistant"):
        return
    for index in range(3):
        step = replace(assistant(setting, f"assistant_{index}"), pause=NEXT_SECOND if index == 2 else 0.0)
        if not made((yield step)):
            return
    for order in ("desc", "asc"):
        yield page("list_assistants", tag="", order=order, limit=100)
        yield page("list_assistants", tag="", order=order, limit=1)
        for index in range(3):
            cursor = Ref(f"assistant_{index}")
            yield page("list_assistants", tag="", order=order, limit=2, after=cursor)
            yield page("list_assistants", tag="", order=order, limit=2, before=cursor)
    yield page("list_assistants", tag="")
    yield page("list_assistants", tag="", limit=3)


def walks(operation: str, of: tuple[str, ...], step: int = 2) -> Passage:
    """Everything that can be asked of a list at rest; always goes on."""

    def at(name: str = "", **query: Any) -> Any:
        return page(operation, *of, name=name, **query)

    yield at()
    whole: Exchange = yield at("whole", limit=100)
    yield at("up", order="asc", limit=100)
    yield at(limit=1)
    yield at(order="asc", limit=1)
    count = items(whole)
    if not count:
        return False
    yield at(order="desc", limit=min(count, 100))
    for order in ("desc", "asc"):
        yield from _pages(operation, of, order, step, count)
    middle, last = Ref("whole", f"/data/{count // 2}/id"), Ref("whole", f"/data/{count - 1}/id")
    first = Ref("whole", "/data/0/id")
    yield at(after=last)
    yield at(before=first)
    yield at(order="asc", after=first)
    yield at(order="asc", before=last)
    yield at(after=middle)
    yield at(before=middle)
    yield at(order="asc", after=middle, limit=1)
    yield at(order="asc", before=middle, limit=1)
    yield at(before=last, limit=1)
    yield at(after=first, before=last)
    unknown = at(after=UNKNOWN[_CURSORS[operation]])
    yield replace(unknown, expectation=Either("what an unknown cursor does is not stated"))
    return True


def _pages(operation: str, of: tuple[str, ...], order: str, size: int, count: int) -> Passage:
    """Pages of one size from the first object to the empty page after the last."""
    cursor: dict[str, Any] = {}
    for number in range(count // size + 2):
        name = f"{order}_{number}"
        seen: Exchange = yield page(operation, *of, name=name, order=order, limit=size, **cursor)
        held = items(seen)
        if not held:
            break
        cursor = {"after": Ref(name, f"/data/{held - 1}/id")}
    return True
