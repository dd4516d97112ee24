"""The step that records tool calls and their outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs_conformance.contract.lifecycle import STEP_STATUSES
from runs_conformance.evidence.pending_tool_calls import StepsWhilePending, awaited_calls, steps_while_pending
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_action import RunAction, submissions
from runs_conformance.evidence.tool_call import (
    ToolCall,
    shared_call_ids,
    step_observations_of_run,
    step_tool_calls,
    submitted_outputs,
)
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Result, Suspicion
from runs_conformance.rules.tools.tool_outputs import pending_call_ids

OUTPUT_OF_ANOTHER_CALL = "the step shows the output that was submitted for another call"
"""A message of `step_records_the_outputs`."""

_STEP = schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsToolCallsFunctionObject.output")


@rule(
    units=submissions,
    level=Level.SHOULD,
    source=_STEP,
    capability="steps",
    operation="submit_tool_outputs",
    clauses=("step-records-outputs",),
)
def step_records_the_outputs(action: RunAction) -> Iterator[Result]:
    """After outputs are submitted, the step that made the calls shows each of them verbatim.

    `output` is null only until it is submitted. Judged when the run has ended, for calls that got one output while the
    run may have waited for it. The effect of any other output is undefined, even if it is accepted; of two outputs for
    one call, the step can show only one.

    Fix: Store each output in the step when it is accepted, at the call that has its id.
    """
    if not action.exchange.accepted:
        return
    outputs, pending = list(submitted_outputs(action.exchange.request.body)), pending_call_ids(action)
    counts = Counter(id_ for id_, _ in outputs) + _submitted_otherwise(action)
    sent = {id_: out for id_, out in outputs if counts[id_] == 1 and (pending is None or id_ in pending)}
    others = {id_: [output for other, output in outputs if other != id_] for id_ in sent}
    for step in step_observations_of_run(action.run):
        for index, call in enumerate(step_tool_calls(step)):
            must_show_output = (
                call.id in sent and isinstance(sent[call.id], str) and action.run.had_ended_before(step.exchange)
            )
            if must_show_output and action.exchange.happened_before(step.exchange):
                pointer = f"/step_details/tool_calls/{index}/function/output"
                is_of_another = call.output != sent[call.id] and call.output in others[call.id]
                yield step.check(
                    call.output == sent[call.id],
                    OUTPUT_OF_ANOTHER_CALL if is_of_another else "the step shows a different output",
                    pointer,
                    sent[call.id],
                    call.output,
                )


def _submitted_otherwise(action: RunAction) -> Counter[str]:
    """The ids of calls for which other submissions may have stored outputs, with the number of these."""
    return Counter(
        id_
        for other in action.run.actions("submit_tool_outputs")
        if other is not action.exchange and may_have_taken_effect(other)
        for id_, _ in submitted_outputs(other.request.body)
    )


@rule(
    units=submissions,
    level=Level.SHOULD,
    source=_STEP,
    capability="steps",
    clauses=("tool-step-open-until-outputs", "run-identity-never-changes"),
)
def step_keeps_the_calls(action: RunAction) -> Iterator[Result]:
    """A step continues to show the function and arguments of its calls after it has ended.

    An output means little without the function and arguments of its call. Judged when the run has ended, for calls
    whose id no other call of the run has.

    Fix: Add the outputs to the stored calls instead of replacing them.
    """
    pending = {
        call.id: call
        for call in (awaited_calls(action.run, action.state_before) if action.state_before is not None else None) or ()
    }
    if not action.exchange.accepted:
        return
    reused = shared_call_ids(action.run) | _submitted_otherwise(action).keys()
    for step in step_observations_of_run(action.run):
        for index, call in enumerate(step_tool_calls(step)):
            original = pending.get(call.id) if call.id not in reused else None
            if (
                original is not None
                and action.exchange.happened_before(step.exchange)
                and action.run.had_ended_before(step.exchange)
            ):
                pointer = f"/step_details/tool_calls/{index}/function"
                expected, actual = _function(original), _function(call)
                yield step.check(actual == expected, "the step shows a different call", pointer, expected, actual)


def _function(call: ToolCall) -> dict[str, JSON]:
    return {"name": call.name, "arguments": call.arguments}


@rule(
    units=steps_while_pending,
    level=Level.MUST,
    source=_STEP,
    capability="steps",
    clauses=("tool-step-open-until-outputs",),
)
def step_is_open_while_the_run_waits(snapshot: StepsWhilePending) -> Iterator[Result]:
    """While a run waits for outputs, the step that made the calls is in progress and shows no output.

    `output` is null until a submission is accepted, and only finished steps are `completed`. A call is not judged if
    several steps show its id, since only one of them is open. Statuses that the contract does not name are not judged.

    Fix: Complete the step when its outputs are accepted, not when the calls are made; check a whole submission before
    you store any of it.
    """
    call_ids = snapshot.call_ids - shared_call_ids(snapshot.run)
    for step in snapshot.steps:
        calls = step_tool_calls(step)
        if {call.id for call in calls} & call_ids:
            if step.status in STEP_STATUSES:
                yield step.check(
                    step.status == "in_progress", "the step is not in progress", "/status", "in_progress", step.status
                )
            else:
                yield Suspicion("the step shows no known status, and may have ended")
            outputs = [call.output for call in calls if call.id in call_ids and call.output not in (None, ABSENT)]
            yield step.check(
                not outputs,
                "the step shows an output that the run still waits for",
                "/step_details",
                actual=next(iter(outputs), ABSENT),
            )


@rule(
    units=steps_while_pending,
    level=Level.SHOULD,
    source=_STEP,
    capability="steps",
    clauses=("tool-step-open-until-outputs", "step-type-matches-details"),
)
def step_shows_the_calls(snapshot: StepsWhilePending) -> Iterator[Result]:
    """While a run waits for outputs, one of its steps shows the same calls: ids, functions and arguments.

    Clients read the calls either from the steps or from `required_action`.

    Fix: Store the step with its calls before the run enters `requires_action`.
    """
    if snapshot.page is None:
        return
    shown = [call for step in snapshot.steps for call in step_tool_calls(step)]
    for call in snapshot.calls:
        functions = [_function(each) for each in shown if each.id == call.id]
        if _function(call) in functions:
            yield PASSED
        else:
            message = f"no step shows the call {call.id} to {call.name}"
            actual = functions[0] if functions else ABSENT
            yield snapshot.page.exchange.finding(message, "/data", _function(call), actual)
