"""Programs about function calls: a run waits for outputs, and right and wrong ones are submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    finish_tool_calls,
    prepare_caller,
    read_everything,
    require,
    start_waiting_run,
    submit,
)
from runs_conformance.generation.programs.paging import TIMESTAMP_TICK, walk_list, walk_steps
from runs_conformance.generation.programs.responses import PENDING_CALLS, has_id, item_count, pending_call_count
from runs_conformance.generation.programs.steps import (
    SETTLED_STATUSES,
    UNKNOWN_CALL_ID,
    assistant,
    forced_call,
    function_tool,
    message,
    on_run,
    on_step,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import REFUSES_BODY, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_TWO = [function_tool("get_weather"), function_tool("get_time")]
_BOTH: dict[str, Any] = {"tools": _TWO, "tool_choice": "required"}


_JSON_TEXT = '{ "sky":"sunny ☀",  "celsius": 18.0, "celsius": 18 }'
"""An output that is JSON text, and would change if it were parsed and serialized again."""


def _output(index: int) -> dict[str, object]:
    return {"tool_call_id": Ref("waiting", f"{PENDING_CALLS}/{index}/id"), "output": "18 degrees"}


_UNKNOWN_OUTPUT = {"tool_call_id": UNKNOWN_CALL_ID, "output": "18 degrees"}


@program("lifecycle", "tools", runs=1, requests=52)
def forced_tool_call(context: ProgramContext) -> StepGenerator:
    """A run is forced to call a function, and several wrong sets of outputs are submitted before the right one.

    It must refuse the wrong ones, and continue with the right one.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_one")))):
        return
    if not (yield from start_waiting_run(context)):
        return
    steps: Exchange = yield page("list_run_steps", name="open")
    if item_count(steps):
        yield on_step(Ref("open", "/data/0/id"))
    wrong_sets: list[list[Any]] = [[], [_UNKNOWN_OUTPUT], [_output(0), _UNKNOWN_OUTPUT], [_output(0), _output(0)]]
    for wrong_outputs in wrong_sets:
        if not (yield from _submit_wrong_outputs(context, wrong_outputs)):
            return
    numeric: Exchange = yield _with_numeric_output(submit(outputs=("",)))
    if numeric.accepted and not ((yield from finish_tool_calls()) and (yield from start_waiting_run(context))):
        return
    yield page("list_run_steps")
    yield on_run("get_run", name="waiting")
    yield submit(outputs=(_JSON_TEXT,))
    if not (yield from finish_tool_calls(run_response="resumed")):
        return
    yield from read_everything()
    all_steps: Exchange = yield page("list_run_steps", order="asc")
    yield from walk_steps(all_steps, order="asc")
    # A repeated request is as late as any other.
    yield submit(outputs=(_JSON_TEXT,))
    yield submit(outputs=("too late",), stream=True)
    yield on_run("get_run")


@program("lifecycle", "tools", runs=2, requests=52, since="2024-04-29")
def two_tool_calls(context: ProgramContext) -> StepGenerator:
    """A run calls two functions, and outputs for only one of them are submitted before those of both.

    It must accept the outputs only in one request. If tool choice `required` leads to a single call, a second run has
    tool choice `auto` and a prompt that asks for both calls.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_two")))):
        return
    if not (yield from start_waiting_run(context, **_BOTH)):
        return
    response: Exchange = yield on_run("get_run", name="waiting")
    if pending_call_count(response) == 1:
        if not ((yield from finish_tool_calls()) and (yield from _start_run_with_both(context))):
            return
        response = yield on_run("get_run", name="waiting")
    if pending_call_count(response) > 1:
        # A server may combine the outputs of two refused requests, or only count the outputs.
        wrong_sets: list[list[Any]] = [
            [_output(0)],
            [_output(1)],
            [_output(1), _output(1)],
            [_output(0), _UNKNOWN_OUTPUT],
        ]
        for wrong_outputs, stream in zip(wrong_sets, (False, False, True, False), strict=True):
            if not (yield from _submit_wrong_outputs(context, wrong_outputs, stream, **_BOTH)):
                return
    response = yield on_run("get_run", name="waiting")
    count = pending_call_count(response)
    if not count:
        return
    reversed_outputs = [_output(index) for index in reversed(range(count))]
    reversed_outputs[0]["output"] = "18 degrees. " * 500
    reversed_outputs[-1]["output"] = ""
    yield on_run("submit_tool_outputs", body={"tool_outputs": reversed_outputs, "stream": False})
    if (yield from finish_tool_calls(run_response="resumed")):
        yield from read_everything()


@program("lifecycle", "tools", runs=1, requests=72, seconds=2 * TIMESTAMP_TICK)
def two_rounds_of_tool_calls(context: ProgramContext) -> StepGenerator:
    """A run writes a message, calls a function, and calls it again after its output was submitted.

    The first submission is streamed, until the run waits again; the second one is not, and gets a run. The steps are
    listed in both orders, with several page sizes and cursors in both directions.
    """
    two_rounds = thread(context, text=prompt(context, "call_twice"))
    if not (yield from require(assistant(context), two_rounds)):
        return
    if not (yield from start_waiting_run(context)):
        return
    yield replace(submit(stream=context.streams, name="submitted"), pause=TIMESTAMP_TICK)
    next_round: Exchange = yield poll(until=SETTLED_STATUSES, name="again")
    if pending_call_count(next_round):
        yield page("list_run_steps")
        yield message("Not between the rounds.")
        yield on_run("submit_tool_outputs", body={"tool_outputs": [_output(0)]})
        yield on_run("get_run")
        yield replace(submit(count=pending_call_count(next_round), run_response="again"), pause=TIMESTAMP_TICK)
    if (yield from finish_tool_calls(run_response="resumed")):
        yield from walk_list("list_run_steps", ("run", "thread"), step=1)
        yield page("list_messages")
        for query in ({}, {"limit": 1}, {"order": "asc"}):
            yield page("list_messages", run_id=Ref("run"), **query)


@program("lifecycle", "tools", runs=2, requests=30, since="2024-06-06")
def one_tool_call_at_a_time(context: ProgramContext) -> StepGenerator:
    """A run with two functions and without parallel tool calls waits for one output at a time, the first one streamed.

    Its tool choice is `auto`, since `required` may lead to a single call. If it calls nothing, a second run has
    `required`. The steps, which may be created in the same second, are read page by page.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_two")))):
        return
    if not (yield from _start_run_with_both(context, parallel_tool_calls=False)):
        return
    yield page("list_run_steps")
    if context.streams:
        # The stream ends when the run waits again.
        yield submit(stream=True, name="submitted")
    if (yield from finish_tool_calls()):
        all_steps: Exchange = yield page("list_run_steps")
        yield from walk_steps(all_steps)


def _start_run_with_both(context: ProgramContext, **members: Any) -> Fragment:
    """Start a run with tool choice `auto`, or `required` if that calls nothing; returns whether the run waits."""
    if not (yield from prepare_caller(context)):
        return False
    asked = forced_call(context, tools=_TWO, tool_choice="auto", **members)
    if has_id((yield run(**asked))):
        response: Exchange = yield poll(name="waiting")
        if pending_call_count(response):
            return True
    return (yield from start_waiting_run(context, **_BOTH, **members))


def _with_numeric_output(step: Step) -> Step:
    """Replace the output of a submission with a number."""
    body = {"tool_outputs": [{**_output(0), "output": 5}]}
    mutation = Mutation("/tool_outputs/0/output", "type", "", 5)
    return replace(step, body=body, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


def _submit_wrong_outputs(
    context: ProgramContext, tool_outputs: list[Any], stream: bool = False, **members: Any
) -> Fragment:
    """Submit wrong outputs, and read the steps, if they are refused, and the run. If not, start a new run."""
    body: dict[str, Any] = {"tool_outputs": tool_outputs, **({"stream": True} if stream else {})}
    submitted: Exchange = yield on_run("submit_tool_outputs", body=body, stream=stream)
    if submitted.refused:
        yield page("list_run_steps")
    response: Exchange = yield on_run("get_run", name="waiting")
    if pending_call_count(response):
        return True
    if not (yield from finish_tool_calls(run_response="resumed")):
        return (yield from cancel_and_wait())
    return (yield from start_waiting_run(context, **members))
