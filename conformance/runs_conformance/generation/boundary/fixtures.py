"""Stages: what must exist on the target before an operation's requests can be sent, and what one of them uses up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runs_conformance.generation.programs.steps import (
    OVER,
    assistant,
    function_tool,
    given_run,
    named,
    on_run,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Move, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Setting

Preparing: TypeAlias = Generator[Move, Any, bool]
"""Sends what prepares a stage, and says whether it is ready."""

_TRIES = 2
"""How often a model is asked for a function call that it was told to make."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one operation's requests are sent to.

    `enter` makes it ready, `again` after a request that used it up. `used_up` says which answers do, and `leave`
    sends what must follow such an answer at once. `name` is what the operation's answers are called. Where
    `last_control` is set, the control is itself used up by being accepted, and so comes after the negatives; `look`
    shows in between that they changed nothing.
    """

    enter: Callable[[Setting], Preparing]
    path: Mapping[str, JSON | Ref] = field(default_factory=dict)
    again: Callable[[Setting], Preparing] | None = None
    used_up: Callable[[Step], bool] = lambda step: step.role is Role.NEGATIVE
    leave: Callable[[Exchange], Generator[Move, Any, None]] | None = None
    name: str = ""
    last_control: bool = False
    look: Step | None = None


def _all_accepted(*steps: Step) -> Preparing:
    for step in steps:
        exchange = yield step
        if not _gave_id(exchange):
            return False
    return True


def _gave_id(exchange: Exchange) -> bool:
    return exchange.accepted and isinstance(exchange.member("id"), str)


def may_have_happened(exchange: Exchange) -> bool:
    """Whether the request was carried out, or nobody can tell."""
    return exchange.accepted or exchange.completion is Completion.UNKNOWN


def _nothing(setting: Setting) -> Preparing:
    return (yield from _all_accepted())


def _an_assistant(setting: Setting) -> Preparing:
    return (yield from _all_accepted(assistant(setting)))


def _a_thread(setting: Setting) -> Preparing:
    return (yield from _all_accepted(thread(setting)))


def _a_message(setting: Setting) -> Preparing:
    body = {"role": "user", "content": prompt(setting)}
    path = {"thread_id": Ref("thread")}
    message = Step(operation="create_message", name="message", path=path, body=body, role=Role.FIXTURE)
    return (yield from _all_accepted(thread(setting), message))


def _an_idle_thread(setting: Setting) -> Preparing:
    return (yield from _all_accepted(assistant(setting), thread(setting)))


def _a_waiting_run(setting: Setting) -> Preparing:
    return (yield from _an_assistant(setting)) and (yield from _another_waiting_run(setting))


def _another_waiting_run(setting: Setting) -> Preparing:
    """A run that waits for the outputs of one call."""
    for _ in range(_TRIES):
        forced = run(tools=[function_tool()], tool_choice=named())
        if not (yield from _all_accepted(thread(setting, text=prompt(setting, "call_one")), forced)):
            return False
        if (yield poll(name="waiting")).member("status") == "requires_action":
            return True
    return False


def _a_finished_run(setting: Setting) -> Preparing:
    if setting.read_only:
        return (yield from _all_accepted(thread(setting), given_run(setting)))
    if not (yield from _all_accepted(assistant(setting), thread(setting), run())):
        return False
    return (yield poll(until=OVER)).member("status") in OVER


def _a_step(setting: Setting) -> Preparing:
    if not (yield from _a_finished_run(setting)):
        return False
    path = {"thread_id": Ref("thread"), "run_id": Ref("run")}
    steps = yield Step(operation="list_run_steps", name="steps", path=path, role=Role.FIXTURE)
    data = steps.member("data")
    return steps.accepted and isinstance(data, list) and len(data) > 0


def _cancel(thread: str | Ref) -> Callable[[Exchange], Generator[Move, Any, None]]:
    """Cancels the run that an answer created; a stream was read to the end of its run."""

    def leave(exchange: Exchange) -> Generator[Move, Any, None]:
        if _gave_id(exchange):
            yield on_run("cancel_run", "run", thread)

    return leave


def _always(step: Step) -> bool:
    return True


def _never(step: Step) -> bool:
    return False


_THREAD: Mapping[str, JSON | Ref] = {"thread_id": Ref("thread")}
_RUN: Mapping[str, JSON | Ref] = {**_THREAD, "run_id": Ref("run")}

STAGES: Mapping[str, Stage] = {
    "list_assistants": Stage(_nothing, used_up=_never),
    "create_assistant": Stage(_nothing, used_up=_never),
    "modify_assistant": Stage(_an_assistant, {"assistant_id": Ref("assistant")}),
    "create_thread": Stage(_nothing, used_up=_never),
    "modify_thread": Stage(_a_thread, _THREAD),
    "list_messages": Stage(_a_thread, _THREAD, used_up=_never),
    "create_message": Stage(_a_thread, _THREAD),
    "modify_message": Stage(_a_message, {**_THREAD, "message_id": Ref("message")}),
    "list_runs": Stage(_a_thread, _THREAD, used_up=_never),
    "create_run": Stage(
        _an_idle_thread, _THREAD, again=_a_thread, used_up=_always, leave=_cancel("thread"), name="run"
    ),
    "create_thread_and_run": Stage(
        _an_assistant, again=_nothing, used_up=_always, leave=_cancel(Ref("run", "/thread_id")), name="run"
    ),
    "modify_run": Stage(_a_finished_run, _RUN, used_up=_never),
    "submit_tool_outputs": Stage(
        _a_waiting_run,
        _RUN,
        again=_another_waiting_run,
        used_up=_always,
        leave=_cancel("thread"),
        last_control=True,
        look=on_run("get_run", role=Role.LOOK),
    ),
    "list_run_steps": Stage(_a_step, _RUN, used_up=_never),
    "get_run_step": Stage(_a_step, {**_RUN, "step_id": Ref("steps", "/data/0/id")}, used_up=_never),
}
"""The stage of every operation whose requests have constraints."""
