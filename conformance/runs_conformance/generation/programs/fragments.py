"""Fragments: sequences of steps that many programs share, for `yield from`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

from runs_conformance.evidence.refusal_reason import named_members
from runs_conformance.generation.programs.responses import PENDING_CALLS, has_id, item_count, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    CALLABLE_FUNCTIONS,
    SETTLED_STATUSES,
    TERMINAL_STATUSES,
    caller,
    force_function,
    forced_call,
    has_builtin_tools,
    on_message,
    on_run,
    on_step,
    page,
    poll,
    run,
    with_functions_alone,
)
from runs_conformance.model.case import Concurrent, Instruction, Key, Ref, Step, Unmet
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.text import contains_word

_NOT_CANCELLED = "not_cancelled"

_LARGE_LIMITS = (100, 99, 50)
_REFUSES_LIMIT = (400, 422)

_MAX_REDUCTIONS = 3
_NEEDED_MEMBERS = frozenset({"assistant_id", "thread", "stream"})

Fragment: TypeAlias = Generator[Instruction, Any, bool]
"""A part of a program. It returns whether the program can continue."""


def require(*steps: Step) -> Fragment:
    """Send steps without which the program is pointless; returns whether all succeeded."""
    for step in steps:
        response: Exchange = yield step
        if not has_id(response):
            return (yield from give_up("a successful response that shows an id"))
    return True


def require_tools(step: Step) -> Fragment:
    """Create an object with tools, or, if the target refuses it, with functions alone; returns whether it was created.

    A gateway to another API has no built-in tools.
    """
    response: Exchange = yield step
    if has_id(response):
        return True
    if not response.refused or not has_builtin_tools(step):
        return (yield from give_up("a successful response that shows an id"))
    return (yield from require(with_functions_alone(step)))


def send_until_accepted(*steps: Step) -> Generator[Instruction, Any, Exchange]:
    """Send different steps in turn until one is not refused; returns the last response."""
    response: Exchange = yield steps[0]
    for earlier, step in pairwise(steps):
        if response.refused and step != earlier:
            response = yield step
    return response


def send_without_refused(step: Step, *beside: Step) -> Generator[Instruction, Any, Exchange]:
    """Send a request that creates a run with many settings, and others `beside` it; returns its last response.

    While it is refused, it is sent again without the members that the refusal names, or with functions as its only
    tools: what a target does with its other settings does not depend on the one that it refuses.
    """
    response = yield from _send_with(step, beside)
    for _ in range(_MAX_REDUCTIONS):
        smaller = _without_refused_members(step, response) if response.refused else step
        if smaller == step:
            break
        step = smaller
        response = yield from _send_with(step, beside)
    return response


def _send_with(step: Step, beside: tuple[Step, ...]) -> Generator[Instruction, Any, Exchange]:
    """Send a step, concurrently with others if there are any; returns its response."""
    if not beside:
        response: Exchange = yield step
        return response
    response, *_ = yield Concurrent((step, *beside))
    return response


def _without_refused_members(step: Step, refusal: Exchange) -> Step:
    """The step without what a refusal names; the step itself if the refusal names nothing that can be left out."""
    body = step.body if isinstance(step.body, Mapping) else {}
    optional = body.keys() - _NEEDED_MEMBERS
    named = named_members(refusal) & optional
    if not named:
        text = refusal_text(refusal)
        named = frozenset(name for name in optional if "_" in name and contains_word(text, name))
    if has_builtin_tools(step) and named <= {"tools"}:
        return with_functions_alone(step)
    return replace(step, body={name: value for name, value in body.items() if name not in named})


def longest_page(
    operation: str, *parents: str | Ref, name: str = "", key: Key = Key.PRIMARY, **query: Any
) -> Generator[Instruction, Any, Exchange]:
    """Read a page with the largest limit that the target accepts, or with none; returns the last response.

    A target that refuses the largest limit of the contract still has lists. That it refuses it is tested elsewhere.
    """
    for limit in _LARGE_LIMITS:
        step = page(operation, *parents, name=name, **query, limit=limit)
        response: Exchange = yield replace(step, key=key)
        if response.status not in _REFUSES_LIMIT:
            return response
    response = yield replace(page(operation, *parents, name=name, **query), key=key)
    return response


def give_up(needed: str) -> Fragment:
    """Report that the last response does not provide what the program needs; returns False."""
    yield Unmet(needed)
    return False


def complete_run(run_name: str = "run", thread: str = "thread") -> Fragment:
    """Create a plain run and poll it to its end; returns whether it ended."""
    if not (yield from require(run(run_name, thread))):
        return False
    return (yield from wait_for_end(run_name, thread))


def wait_for_end(run_name: str = "run", thread: str | Ref = "thread", key: Key = Key.PRIMARY) -> Fragment:
    """Poll a run to its end; returns whether it ended."""
    ended = status((yield replace(poll(run_name, thread, TERMINAL_STATUSES), key=key))) in TERMINAL_STATUSES
    return ended or (yield from give_up("a run that ends"))


def cancel_new_run(run_name: str = "run", thread: str = "thread", **members: Any) -> Fragment:
    """Create a run, cancel it at once and poll it to its end; returns whether it ended."""
    if not (yield from require(run(run_name, thread, **members))):
        return False
    return (yield from cancel_and_wait(run_name, thread))


def prepare_caller(context: ProgramContext) -> Fragment:
    """Create the assistant of a run that must call a function, if it is the assistant that needs the functions."""
    return context.request_forms.tools_on != "assistant" or (yield from require(caller(context)))


def start_waiting_run(
    context: ProgramContext,
    run_name: str = "run",
    thread: str = "thread",
    *,
    name: str = "waiting",
    needs_calls: bool = True,
    **members: Any,
) -> Fragment:
    """Create a run that is forced to call a function, and poll it until it waits; returns whether it does.

    A model that ends such a run without a call gets another try. With `needs_calls`, the run must show its calls.
    """
    if not (yield from prepare_caller(context)):
        return False
    forced = forced_call(context, **members)
    for _ in range(context.request_forms.call_attempts):
        if not (yield from create_forced_run(run_name, thread, **forced)):
            return False
        response: Exchange = yield poll(run_name, thread, SETTLED_STATUSES, name)
        if status(response) == "requires_action":
            shows_calls = pending_call_count(response) > 0
            return shows_calls or not needs_calls or (yield from give_up("a required_action that lists the calls"))
        if status(response) != "completed":
            break
    return (yield from give_up("a run that waits for tool outputs"))


def create_forced_run(run_name: str = "run", thread: str = "thread", **forced: Any) -> Fragment:
    """Create a run that must call functions; returns whether it was created.

    A target that refuses the tool choice `required` gets the name of the function, or, if the run may call several,
    only the user message that asks for the calls.
    """
    step = run(run_name, thread, **forced)
    if forced.get("tool_choice") != "required":
        return (yield from require(step))
    response: Exchange = yield step
    if has_id(response):
        return True
    if not response.refused:
        return (yield from give_up("a successful response that shows an id"))
    # A run without tools inherits one function, unless its assistant is that of `prepare_caller`, which has several.
    calls_one = len(forced["tools"]) == len(CALLABLE_FUNCTIONS) if "tools" in forced else "assistant_id" not in forced
    choice: Any = force_function() if calls_one else "auto"
    return (yield from require(run(run_name, thread, **{**forced, "tool_choice": choice})))


def submit(
    run_name: str = "run",
    thread: str | Ref = "thread",
    *,
    count: int = 1,
    run_response: str = "waiting",
    outputs: tuple[str, ...] = ("18 degrees, sunny",),
    stream: bool = False,
    **rest: object,
) -> Step:
    """Submit outputs for the first `count` pending calls in the response named `run_response`."""
    tool_outputs = [
        {"tool_call_id": Ref(run_response, f"{PENDING_CALLS}/{index}/id"), "output": outputs[index % len(outputs)]}
        for index in range(count)
    ]
    body: dict[str, object] = {"tool_outputs": tool_outputs}
    if stream:
        body["stream"] = True
    return on_run("submit_tool_outputs", run_name, thread, body, stream=stream, **rest)


def finish_tool_calls(
    run_name: str = "run", thread: str | Ref = "thread", *, run_response: str = "waiting"
) -> Fragment:
    """Poll a run and submit outputs until it ends; returns whether it did. A run that keeps calling is cancelled."""
    for _ in range(3):
        response: Exchange = yield poll(run_name, thread, SETTLED_STATUSES, run_response)
        if status(response) != "requires_action" or not pending_call_count(response):
            return status(response) in TERMINAL_STATUSES or (yield from give_up("a run that ends"))
        yield submit(run_name, thread, count=pending_call_count(response), run_response=run_response)
    return (yield from cancel_and_wait(run_name, thread))


def cancel_and_wait(run_name: str = "run", thread: str | Ref = "thread", key: Key = Key.PRIMARY) -> Fragment:
    """Cancel a run and poll it to its end; returns whether it ended. One that still waits gets its outputs.

    `key` is the one to which the run belongs.
    """
    yield on_run("cancel_run", run_name, thread, key=key)
    response: Exchange = yield replace(poll(run_name, thread, TERMINAL_STATUSES, _NOT_CANCELLED), key=key)
    if status(response) == "requires_action" and pending_call_count(response):
        yield submit(run_name, thread, count=pending_call_count(response), run_response=_NOT_CANCELLED, key=key)
        return (yield from wait_for_end(run_name, thread, key))
    return status(response) in TERMINAL_STATUSES or (yield from give_up("a run that ends"))


def cancel_finally(
    run_name: str = "run", thread: str | Ref = "thread", key: Key = Key.PRIMARY
) -> Generator[Instruction, Any, None]:
    """Cancel a run at the end of a program that needs nothing more of it, and poll it.

    `key` is the one to which the run belongs.
    """
    yield on_run("cancel_run", run_name, thread, key=key)
    yield replace(poll(run_name, thread, TERMINAL_STATUSES), key=key)


def read_everything(run_name: str | Ref = "run", thread: str | Ref = "thread") -> Generator[Instruction, Any, Exchange]:
    """Read everything that an ended run left behind, in every way; returns the list of its steps."""
    run_id = run_name if isinstance(run_name, Ref) else Ref(run_name)
    yield page("list_runs", thread)
    steps: Exchange = yield page("list_run_steps", run_id, thread, name="steps")
    for index in range(min(item_count(steps), 2)):
        yield on_step(Ref("steps", f"/data/{index}/id"), run_id, thread)
    messages: Exchange = yield page("list_messages", thread, name="messages", run_id=run_id)
    if item_count(messages):
        yield on_message("get_message", Ref("messages", "/data/0/id"), thread)
    return steps
