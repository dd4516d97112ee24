"""Passages: stretches that many programs have in common, for `yield from`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

from runs_conformance.generation.programs.responses import PENDING, calls, items, made, status
from runs_conformance.generation.programs.steps import (
    OVER,
    SETTLED,
    function_tool,
    named,
    on_message,
    on_run,
    on_step,
    page,
    poll,
    run,
)
from runs_conformance.model.case import Move, Ref, Step
from runs_conformance.model.exchange import Exchange

Passage: TypeAlias = Generator[Move, Any, bool]
"""A stretch of a program. What it returns says whether the program can go on."""


def ready(*steps: Step) -> Passage:
    """Send steps that must succeed for anything after them to make sense; whether they all did."""
    for step in steps:
        answer: Exchange = yield step
        if not made(answer):
            return False
    return True


def completed(run_name: str = "run", thread: str = "thread") -> Passage:
    """A plain run, polled to its end; whether it is over."""
    if not (yield from ready(run(run_name, thread))):
        return False
    return status((yield poll(run_name, thread, OVER))) in OVER


def cancelled(run_name: str = "run", thread: str = "thread", **members: Any) -> Passage:
    """A run that is cancelled as soon as it was created, polled to its end; whether it is over."""
    if not (yield from ready(run(run_name, thread, **members))):
        return False
    return (yield from ended(run_name, thread))


def waiting(run_name: str = "run", thread: str = "thread", *, name: str = "waiting", **members: Any) -> Passage:
    """A run that is forced to call a function, polled until it waits for the output; whether it does.

    A model that ends such a run without a call gets a second try.
    """
    tools = [function_tool("get_time"), function_tool(), function_tool("get_news")]
    forced: dict[str, Any] = {"tools": tools, "tool_choice": named(), **members}
    for _ in range(2):
        if not (yield from ready(run(run_name, thread, **forced))):
            return False
        seen: Exchange = yield poll(run_name, thread, SETTLED, name)
        if status(seen) == "requires_action":
            return calls(seen) > 0
        if status(seen) != "completed":
            return False
    return False


def submit(
    run_name: str = "run",
    thread: str | Ref = "thread",
    *,
    count: int = 1,
    seen: str = "waiting",
    outputs: tuple[str, ...] = ("18 degrees, sunny",),
    stream: bool = False,
    **rest: object,
) -> Step:
    """The outputs of the first `count` calls that the answer `seen` shows."""
    pairs = [
        {"tool_call_id": Ref(seen, f"{PENDING}/{index}/id"), "output": outputs[index % len(outputs)]}
        for index in range(count)
    ]
    body: dict[str, object] = {"tool_outputs": pairs}
    if stream:
        body["stream"] = True
    return on_run("submit_tool_outputs", run_name, thread, body, stream=stream, **rest)


def finished(run_name: str = "run", thread: str | Ref = "thread", *, seen: str = "waiting") -> Passage:
    """Poll a run and answer its calls until it is over; whether it is. One that calls without end is cancelled."""
    for _ in range(3):
        answer: Exchange = yield poll(run_name, thread, SETTLED, seen)
        if status(answer) != "requires_action" or not calls(answer):
            return status(answer) in OVER
        yield submit(run_name, thread, count=calls(answer), seen=seen)
    return (yield from ended(run_name, thread))


def ended(run_name: str = "run", thread: str | Ref = "thread") -> Passage:
    """Cancel a run and poll it to its end; whether it is over."""
    yield on_run("cancel_run", run_name, thread)
    return status((yield poll(run_name, thread, OVER))) in OVER


def aftermath(run_name: str | Ref = "run", thread: str | Ref = "thread") -> Passage:
    """Everything that a run left behind that was just seen to be over, read in every way there is; always goes on."""
    run_id = run_name if isinstance(run_name, Ref) else Ref(run_name)
    yield page("list_runs", thread)
    steps: Exchange = yield page("list_run_steps", run_id, thread, name="steps")
    for index in range(min(items(steps), 2)):
        yield on_step(Ref("steps", f"/data/{index}/id"), run_id, thread)
    messages: Exchange = yield page("list_messages", thread, name="messages", run_id=run_id)
    if items(messages):
        yield on_message("get_message", Ref("messages", "/data/0/id"), thread)
    return True
