"""Fixtures: the objects that an operation's requests need on the target, and which requests consume them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.generation.programs.fragments import Fragment, give_up, prepare_caller, require, wait_for_end
from runs_conformance.generation.programs.responses import item_count
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    assistant,
    forced_call,
    function_tool,
    on_run,
    poll,
    prompt,
    run,
    run_in_use,
    thread,
)
from runs_conformance.model.case import Instruction, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext


@dataclass(frozen=True, slots=True)
class Fixture:
    """The objects that one operation's requests are sent to.

    `set_up` creates them, and `reset` replaces them after a request that consumed them (`set_up` if there is no
    `reset`). `is_consumed` says whether a step that took effect consumes the fixture; `after_accept` then sends the
    step that must follow at once, and returns whether the target refused it. `name` names the operation's responses. If
    `control_last` is set, the control itself consumes the fixture and so follows the negatives; `state_check` in
    between shows that they changed nothing.
    """

    set_up: Callable[[ProgramContext], Fragment]
    path: Mapping[str, JSON | Ref] = field(default_factory=dict)
    reset: Callable[[ProgramContext], Fragment] | None = None
    is_consumed: Callable[[Step], bool] = lambda step: step.role is Role.NEGATIVE
    after_accept: Callable[[Exchange], Generator[Instruction, Any, bool]] | None = None
    name: str = ""
    control_last: bool = False
    state_check: Step | None = None


def _has_id(exchange: Exchange) -> bool:
    return exchange.accepted and isinstance(exchange.member("id"), str)


def may_have_taken_effect(exchange: Exchange) -> bool:
    """Whether the request was carried out, or its outcome is unknown."""
    return exchange.has_success_status or exchange.completion is Completion.UNKNOWN


def _set_up_nothing(context: ProgramContext) -> Fragment:
    return (yield from require())


def _create_assistant(context: ProgramContext) -> Fragment:
    return (yield from require(assistant(context)))


def _create_thread(context: ProgramContext) -> Fragment:
    return (yield from require(thread(context)))


def _create_message(context: ProgramContext) -> Fragment:
    body = {"role": "user", "content": prompt(context)}
    path = {"thread_id": Ref("thread")}
    message = Step(operation="create_message", name="message", path=path, body=body, role=Role.FIXTURE)
    return (yield from require(thread(context), message))


def _create_idle_thread(context: ProgramContext) -> Fragment:
    return (yield from require(assistant(context), thread(context)))


def _set_up_waiting_run(context: ProgramContext) -> Fragment:
    if not ((yield from _create_assistant(context)) and (yield from prepare_caller(context))):
        return False
    return (yield from _start_waiting_run(context))


def _start_waiting_run(context: ProgramContext) -> Fragment:
    """Start a run that waits for the output of one call."""
    for _ in range(context.request_forms.call_attempts):
        forced = run(**forced_call(context, tools=[function_tool()]))
        if not (yield from require(thread(context, text=prompt(context, "call_one")), forced)):
            return False
        if (yield poll(name="waiting")).member("status") == "requires_action":
            return True
    return (yield from give_up("a run that waits for tool outputs"))


def _create_run(context: ProgramContext) -> Fragment:
    if context.read_only:
        return (yield from require(thread(context), run_in_use(context)))
    return (yield from require(assistant(context), thread(context), run()))


def _finish_run(context: ProgramContext) -> Fragment:
    """Create a run and wait for its end: the real service modifies no queued run."""
    if not (yield from _create_run(context)):
        return False
    return context.read_only or (yield from wait_for_end())


def _create_run_step(context: ProgramContext) -> Fragment:
    """Create a run and wait for its end. The steps of one that does not end can be read, too."""
    if not (yield from _create_run(context)):
        return False
    if not context.read_only:
        yield poll(until=TERMINAL_STATUSES)
    path = {"thread_id": Ref("thread"), "run_id": Ref("run")}
    steps = yield Step(operation="list_run_steps", name="steps", path=path, role=Role.FIXTURE)
    if item_count(steps):
        return True
    return (yield from give_up("a list with a run step"))


def _cancel_run_on(thread: str | Ref) -> Callable[[Exchange], Generator[Instruction, Any, bool]]:
    """Build the step that cancels the run a response created; a streamed run has already ended."""

    def cancel(exchange: Exchange) -> Generator[Instruction, Any, bool]:
        if not _has_id(exchange):
            return False
        cancelled: Exchange = yield on_run("cancel_run", "run", thread)
        return cancelled.refused

    return cancel


def _always(step: Step) -> bool:
    return True


def _never(step: Step) -> bool:
    return False


_THREAD: Mapping[str, JSON | Ref] = {"thread_id": Ref("thread")}
_RUN: Mapping[str, JSON | Ref] = {**_THREAD, "run_id": Ref("run")}

FIXTURES: Mapping[str, Fixture] = {
    "list_assistants": Fixture(_set_up_nothing, is_consumed=_never),
    "create_assistant": Fixture(_set_up_nothing, is_consumed=_never),
    "modify_assistant": Fixture(_create_assistant, {"assistant_id": Ref("assistant")}),
    "create_thread": Fixture(_set_up_nothing, is_consumed=_never),
    "modify_thread": Fixture(_create_thread, _THREAD),
    "list_messages": Fixture(_create_thread, _THREAD, is_consumed=_never),
    "create_message": Fixture(_create_thread, _THREAD),
    "modify_message": Fixture(_create_message, {**_THREAD, "message_id": Ref("message")}),
    "list_runs": Fixture(_create_thread, _THREAD, is_consumed=_never),
    "create_run": Fixture(
        _create_idle_thread,
        _THREAD,
        reset=_create_thread,
        is_consumed=_always,
        after_accept=_cancel_run_on("thread"),
        name="run",
    ),
    "create_thread_and_run": Fixture(
        _create_assistant,
        reset=_set_up_nothing,
        is_consumed=_always,
        after_accept=_cancel_run_on(Ref("run", "/thread_id")),
        name="run",
    ),
    "modify_run": Fixture(_finish_run, _RUN, is_consumed=_never),
    "submit_tool_outputs": Fixture(
        _set_up_waiting_run,
        _RUN,
        reset=_start_waiting_run,
        is_consumed=_always,
        after_accept=_cancel_run_on("thread"),
        control_last=True,
        state_check=on_run("get_run", role=Role.READ),
    ),
    "list_run_steps": Fixture(_create_run_step, _RUN, is_consumed=_never),
    "get_run_step": Fixture(_create_run_step, {**_RUN, "step_id": Ref("steps", "/data/0/id")}, is_consumed=_never),
}
"""The fixture of every operation whose requests have constraints."""
