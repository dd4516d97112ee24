"""Programs about function calls: a run that waits for outputs, and what it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, aftermath, ended, finished, ready, submit, waiting
from runs_conformance.generation.programs.paging import NEXT_SECOND, walks
from runs_conformance.generation.programs.responses import PENDING, calls, items
from runs_conformance.generation.programs.steps import (
    MADE_UP_CALL,
    SETTLED,
    assistant,
    function_tool,
    message,
    on_run,
    on_step,
    page,
    poll,
    prompt,
    thread,
)
from runs_conformance.model.case import REFUSES_BODY, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import REFUSED_SUBMIT

_TWO = [function_tool("get_weather"), function_tool("get_time")]
_BOTH: dict[str, Any] = {"tools": _TWO, "tool_choice": "required"}


_SPACED = '{ "sky":"sunny ☀",  "celsius": 18.0, "celsius": 18 }'
"""An output that is a JSON text, and another one once it was read and written again."""


def _output(index: int) -> dict[str, object]:
    return {"tool_call_id": Ref("waiting", f"{PENDING}/{index}/id"), "output": "18 degrees"}


_MADE_UP = {"tool_call_id": MADE_UP_CALL, "output": "18 degrees"}


@program("lifecycle", "tools", runs=1, requests=44, quick=True)
def forced_tool_call(setting: Setting) -> Play:
    """A run is forced to call a function, refuses every set of outputs but the right one, and then goes on."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_one")))):
        return
    if not (yield from waiting()):
        return
    steps: Exchange = yield page("list_run_steps", name="open")
    if items(steps):
        yield on_step(Ref("open", "/data/0/id"))
    wrongs: list[list[Any]] = [[], [_MADE_UP], [_output(0), _MADE_UP], [_output(0), _output(0)]]
    for wrong in wrongs:
        if not (yield from _refused(wrong)):
            return
    yield _no_text(submit(outputs=("",)))
    yield page("list_run_steps")
    yield on_run("get_run", name="waiting")
    yield submit(outputs=(_SPACED,))
    yield on_run("get_run")
    if not (yield from finished(seen="resumed")):
        return
    yield from aftermath()
    yield page("list_run_steps", order="asc")
    yield submit(outputs=("too late",))
    yield on_run("get_run")


@program("lifecycle", "tools", runs=1, requests=38, quick=True, since="2024-04-29")
def two_tool_calls(setting: Setting) -> Play:
    """A run that must call functions and has two of them takes the outputs of all its calls in one request only."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_two")))):
        return
    if not (yield from waiting(**_BOTH)):
        return
    seen: Exchange = yield on_run("get_run", name="waiting")
    if calls(seen) > 1:
        wrongs: list[list[Any]] = [[_output(0)], [_output(1)], [_output(0), _MADE_UP]]
        for wrong, stream in zip(wrongs, (False, True, False), strict=True):
            if not (yield from _refused(wrong, stream, **_BOTH)):
                return
    seen = yield on_run("get_run", name="waiting")
    count = calls(seen)
    if not count:
        return
    backwards = [_output(index) for index in reversed(range(count))]
    backwards[0]["output"] = "18 degrees. " * 500
    backwards[-1]["output"] = ""
    yield on_run("submit_tool_outputs", body={"tool_outputs": backwards, "stream": False})
    if (yield from finished(seen="resumed")):
        yield from aftermath()


@program("lifecycle", "tools", runs=1, requests=72, seconds=2 * NEXT_SECOND)
def two_rounds_of_tool_calls(setting: Setting) -> Play:
    """A run that writes, calls, and calls again after its outputs came is sent those of each round in their turn; its
    steps are listed in both orders, by pages of every size and from every side.
    """
    two = thread(setting, text=prompt(setting, "call_twice"))
    if not (yield from ready(assistant(setting), two)):
        return
    if not (yield from waiting()):
        return
    yield replace(submit(), pause=NEXT_SECOND)
    again: Exchange = yield poll(until=SETTLED, name="again")
    if calls(again):
        yield page("list_run_steps")
        yield message("Not between the rounds.")
        yield on_run("submit_tool_outputs", body={"tool_outputs": [_output(0)]}, tag=REFUSED_SUBMIT)
        yield on_run("get_run")
        yield replace(submit(count=calls(again), seen="again"), pause=NEXT_SECOND)
    if (yield from finished(seen="resumed")):
        yield from walks("list_run_steps", ("run", "thread"), step=1)
        yield page("list_messages")
        for query in ({}, {"limit": 1}, {"order": "asc"}):
            yield page("list_messages", run_id=Ref("run"), **query)


@program("lifecycle", "tools", runs=1, requests=18, since="2024-06-06")
def one_tool_call_at_a_time(setting: Setting) -> Play:
    """A run with two functions and without parallel calls waits for one output at a time."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_two")))):
        return
    if not (yield from waiting(**_BOTH, parallel_tool_calls=False)):
        return
    yield page("list_run_steps")
    if (yield from finished()):
        yield page("list_run_steps")


def _no_text(step: Step) -> Step:
    """The submission with a number in place of its output."""
    body = {"tool_outputs": [{**_output(0), "output": 5}]}
    mutation = Mutation("/tool_outputs/0/output", "type", "", 5)
    return replace(step, body=body, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


def _refused(tool_outputs: list[Any], stream: bool = False, **members: Any) -> Passage:
    """Send outputs that are not those wanted, and look. A target that takes them gets a new run to be asked again."""
    body: dict[str, Any] = {"tool_outputs": tool_outputs, **({"stream": True} if stream else {})}
    yield on_run("submit_tool_outputs", body=body, stream=stream, tag=REFUSED_SUBMIT)
    seen: Exchange = yield on_run("get_run", name="waiting")
    if calls(seen):
        return True
    if not (yield from finished(seen="resumed")):
        return (yield from ended())
    return (yield from waiting(**members))
