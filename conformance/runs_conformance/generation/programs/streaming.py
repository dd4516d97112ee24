"""Programs in which a run is watched as a stream of events."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import aftermath, ended, finished, ready, submit
from runs_conformance.generation.programs.overrides import every_member
from runs_conformance.generation.programs.responses import calls, made, status
from runs_conformance.generation.programs.steps import (
    assistant,
    function_tool,
    named,
    on_run,
    page,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import REFUSES_BODY, Move, Mutation, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import Play, Setting


@program("lifecycle", "streaming", runs=1, requests=16, quick=True)
def stream_to_completion(setting: Setting) -> Play:
    """A run that overrides all it can is streamed to its end, what is stored afterwards is read, and a broken request
    for a stream is refused.
    """
    if not (yield from ready(assistant(setting), thread(setting))):
        return
    said = [{"role": "user", "content": "Sent along."}]
    members = {**every_member(setting), "additional_messages": said, "stream": True}
    # Where it is not taken as a whole, a plain stream is.
    if not (yield from ready(run(**members))) and not (yield from ready(run(stream=True))):
        yield page("list_runs", tag="")
        return
    yield on_run("get_run")
    yield from aftermath()
    yield page("list_messages")
    broken: Exchange = yield _too_hot(run("broken", stream=True, temperature=3))
    if broken.accepted:
        yield from ended("broken")


def _too_hot(step: Step) -> Step:
    """The step as one that breaks the contract by its temperature."""
    mutation = Mutation("/temperature", "maximum", ABSENT, 3)
    return replace(step, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


@program("lifecycle", "streaming", runs=1, requests=18, quick=True)
def stream_tool_call(setting: Setting) -> Play:
    """A streamed run calls a function, keeps others out, and goes on in the stream its output is submitted with."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_one")))):
        return
    seen = yield from _streamed_call(tools=[function_tool()], tool_choice=named())
    if seen is None:
        return
    if calls(seen):
        yield page("list_run_steps")
        second: Exchange = yield run("second", stream=True)
        if second.accepted:
            yield from ended("second")
        submitted: Exchange = yield submit(stream=True, name="submitted")
        if not made(submitted):
            yield from finished()
    yield on_run("get_run")
    yield from aftermath()


@program("lifecycle", "streaming", runs=1, requests=18, since="2024-04-29")
def stream_two_tool_calls(setting: Setting) -> Play:
    """A streamed run calls two functions; their outputs are submitted without a stream."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_two")))):
        return
    tools = [function_tool("get_weather"), function_tool("get_time")]
    seen = yield from _streamed_call(tools=tools, tool_choice="required")
    if seen is not None and (yield from finished()):
        yield page("list_run_steps")


def _streamed_call(**forced: Any) -> Generator[Move, Any, Exchange | None]:
    """A streamed run that has to call something, and the look at it afterwards; None where it was not started. A model
    that ends such a run without a call gets a second try.
    """
    for _ in range(2):
        if not (yield from ready(run(stream=True, **forced))):
            return None
        seen: Exchange = yield on_run("get_run", name="waiting")
        if calls(seen) or status(seen) != "completed":
            break
    return seen


@program("lifecycle", "streaming", runs=1, requests=13)
def stream_to_the_token_limit(setting: Setting) -> Play:
    """A streamed run with a long answer and the smallest token limit ends where the limit is."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")))):
        return
    if (yield from ready(run(stream=True, max_completion_tokens=256))):
        yield on_run("get_run")
        yield from aftermath()
