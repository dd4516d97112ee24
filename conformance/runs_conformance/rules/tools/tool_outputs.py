"""The tool outputs that a run accepts, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL
from runs_conformance.evidence.pending_tool_calls import awaited_calls
from runs_conformance.evidence.refused_submission import may_be_refused_for_outputs
from runs_conformance.evidence.run_action import RunAction, submissions
from runs_conformance.evidence.server_failure import describe_unclear_status
from runs_conformance.evidence.tool_call import ToolCall, pending_calls, submitted_outputs
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused, operation_works, pass_if_working
from runs_conformance.model.json import ABSENT
from runs_conformance.model.plural import plural
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SUBMIT = schema("openai-openapi f85dbe2 openapi.yaml submitToolOuputsToRun")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/tool-function-calling.txt")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30; semantic-kernel#8701")
_STATE_REFUSALS = (400, 409, 422)
"""HTTP statuses with which a server refuses an operation that it implements."""

_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(
    units=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("outputs-only-while-required",),
)
def outputs_are_taken_only_when_required(action: RunAction) -> Iterator[Result]:
    """A run that does not require action accepts no tool outputs.

    Such a run has ended or has not called a tool yet, so it has no use for outputs. The real service responded with
    400: `Runs in status "completed" do not accept tool outputs.` A refusal for the ids of calls that the run never made
    proves nothing.

    Fix: Check that the run is in `requires_action` before accepting outputs.
    """
    before, exchange = action.state_before, action.exchange
    if before is None or before.status == "requires_action":
        return
    if before.status not in TERMINAL and exchange.step is None:
        return  # In recorded traffic the request for action may be missing.
    if before.status not in STATUSES:
        yield Inconclusive("the run had no known status, so it may have been waiting for outputs")
        return
    if exchange.accepted:
        yield exchange.finding(f"a run that was {before.status!r} accepted tool outputs", "", 400, exchange.status)
    elif exchange.refused and may_be_refused_for_outputs(action):
        yield Inconclusive("the refusal names the outputs, so it may have another reason than the status of the run")
    elif exchange.refused:
        is_deliberate = exchange.status in _STATE_REFUSALS or operation_works(action.run.history, exchange)
        yield pass_if_working(exchange, is_deliberate)
    else:
        yield neither_accepted_nor_refused(exchange, f"the submission got {describe_unclear_status(exchange)}")


def pending_call_ids(action: RunAction) -> list[str] | None:
    """The ids of the calls that the run was certainly waiting for when outputs were submitted."""
    calls = _pending_calls(action)
    return [call.id for call in calls] if calls is not None else None


def _pending_calls(action: RunAction) -> Sequence[ToolCall] | None:
    """The calls that the run was certainly waiting for when outputs were submitted; None if there is none."""
    before = action.state_before
    calls = awaited_calls(action.run, before) if before is not None and before.status == "requires_action" else None
    return calls or None


@rule(
    units=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("outputs-only-while-required", "accepted-outputs-requeue-run"),
    needs_complete_history=True,
)
def right_outputs_are_taken(action: RunAction) -> Iterator[Result]:
    """A run that requires action accepts one output for each of its calls, all in one request, in any order.

    If the right outputs are refused, the run waits until it expires.

    Fix: Compare the ids of calls and outputs as sets, not as lists.
    """
    pending, sent = pending_call_ids(action), list(submitted_outputs(action.exchange.request.body))
    if pending is None or not action.must_be_accepted or sorted(id_ for id_, _ in sent) != sorted(pending):
        return
    if any(not isinstance(output, str) for _, output in sent):
        return
    if action.exchange.accepted:
        yield PASSED
    elif action.exchange.refused and action.state_after is not None and action.state_after.status == "requires_action":
        yield action.exchange.finding("the outputs of the pending calls were refused", "", 200, action.exchange.status)
    else:
        yield Inconclusive("the run may have ended before its outputs arrived")


def _check_refused(action: RunAction, must_be_refused: bool, message: str) -> Iterator[Result]:
    exchange = action.exchange
    if not must_be_refused:
        return
    if exchange.accepted:
        yield exchange.finding(message, "", 400, exchange.status)
    elif exchange.refused:
        yield pass_if_working(exchange, operation_works(action.run.history, exchange))
    else:
        yield neither_accepted_nor_refused(exchange, f"the submission got {describe_unclear_status(exchange)}")


@rule(
    units=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("outputs-all-in-one-request",),
)
def missing_outputs_are_refused(action: RunAction) -> Iterator[Result]:
    """A submission that omits the output of one of the calls is refused.

    All outputs must be submitted in a single request. A run that continues with some of them answers without the
    others, and the caller does not notice.

    Fix: Refuse with HTTP 400 unless every pending call has an output.
    """
    pending, sent = pending_call_ids(action), [id_ for id_, _ in submitted_outputs(action.exchange.request.body)]
    if action.exchange.step is None and not set(sent) <= set(pending or ()):
        return  # In recorded traffic a later round of calls may be missing.
    missing = [id_ for id_ in pending or () if id_ not in sent]
    given = len(pending or ()) - len(missing)
    message = f"outputs were accepted for {given} of {plural(len(pending or ()), 'call')}"
    yield from _check_refused(action, bool(missing), message)


@rule(
    units=submissions,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("outputs-for-unknown-calls-refused",),
)
def unknown_outputs_are_refused(action: RunAction) -> Iterator[Result]:
    """A submission with an output for a call that the run did not make is refused.

    Such an output was meant for another run or another round of calls. This holds with or without the right outputs
    beside it.

    Fix: Match outputs to calls by id, not by position.
    """
    pending, sent = pending_call_ids(action), [id_ for id_, _ in submitted_outputs(action.exchange.request.body)]
    unknown = [id_ for id_ in sent if pending is not None and id_ not in pending]
    if action.exchange.step is None and not set(pending or ()) <= set(sent):
        return  # In recorded traffic a later round of calls may be missing.
    named = f"{unknown[0]}, which is not a call of the run," if any(unknown[:1]) else "no call of the run"
    message = f"an output for {named} was accepted"
    yield from _check_refused(action, bool(unknown), message)


@rule(
    units=submissions,
    level=Level.MAY,
    source=_RECORDED,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("outputs-for-unknown-calls-refused",),
)
def repeated_outputs_are_refused(action: RunAction) -> Iterator[Result]:
    """A submission with two outputs for one call is refused.

    Which of the two would count is unclear. No source requires it, so this is informational.

    Fix: Refuse a submission that names a call twice.
    """
    pending, sent = pending_call_ids(action), [id_ for id_, _ in submitted_outputs(action.exchange.request.body)]
    twice = pending is not None and set(pending) == set(sent) and len(sent) > len(pending)
    yield from _check_refused(action, twice, "two outputs for one call were accepted")


@rule(
    units=submissions,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("refused-outputs-change-nothing",),
    needs_complete_history=True,
)
def refused_outputs_leave_the_run_waiting(action: RunAction) -> Iterator[Result]:
    """A run whose submission was refused still requires action for the same calls.

    The client can then correct its submission.

    Fix: Check all outputs before storing any.
    """
    pending, before, after = pending_call_ids(action), action.state_before, action.state_after
    if pending is None or before is None or after is None or not action.exchange.refused:
        return
    if after.status == "expired":
        yield Inconclusive("the run expired in the meantime")
        return
    calls = awaited_calls(action.run, after)
    now = [call.id for call in calls or ()]
    yield after.check(
        after.status == "requires_action",
        "the run no longer requires action",
        "/status",
        "requires_action",
        after.status,
    )
    if after.status == "requires_action" and (calls is not None or pending_calls(before) is not None):
        place = "" if calls is not None and pending_calls(after) is None else _CALLS  # Only the steps may show them.
        yield after.check(
            now == pending, "the run requires action for different calls than before", place, pending, now
        )


@rule(
    units=submissions,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("accepted-outputs-requeue-run",),
)
def accepted_outputs_queue_the_run(action: RunAction) -> Iterator[Result]:
    """The response to accepted outputs shows the run as `queued`, with no action required.

    Clients continue polling from this response; a run that still requires action makes them submit again.

    Fix: Set the status to `queued` and clear `required_action` before responding.
    """
    if action.exchange.accepted and action.response_object is not None:
        status, required_action = action.response_object.status, action.response_object.get("required_action")
        yield action.response_object.check(
            status == "queued", f"the response shows the run as {status!r}", "/status", "queued", status
        )
        yield action.response_object.check(
            required_action is None or required_action is ABSENT or status == "requires_action",
            "the response still requires action",
            "/required_action",
            None,
            required_action,
        )


@rule(
    units=submissions,
    level=Level.MUST,
    source=_GUIDE,
    capability="tools",
    operation="submit_tool_outputs",
    clauses=("accepted-outputs-requeue-run",),
)
def accepted_outputs_are_not_asked_for_again(action: RunAction) -> Iterator[Result]:
    """A run does not wait again for the output of a call that it has already received.

    The client would execute the call twice. The run returns to the queue, and may make new calls with new ids.

    Fix: Clear the completed calls, and give each new call a new id.
    """
    answered = _pending_calls(action)
    sent = {id_ for id_, _ in submitted_outputs(action.exchange.request.body)}
    if action.exchange.accepted and answered is not None and {call.id for call in answered} <= sent:
        for observation in action.later_observations:
            if observation.status == "requires_action" and pending_calls(observation) is None:
                continue  # Which calls it waits for is unknown.
            if observation in action.run.outdated:
                yield Inconclusive("a list shows the run in a state that the reads of the run contradict")
                continue
            still_waits = observation.status == "requires_action"
            again = [call for call in pending_calls(observation) or () if still_waits and call.id in sent]
            message = _describe_repeated_call(again[0], answered) if again else ""
            yield observation.check(not again, message, _CALLS, None, [call.id for call in again])


def _describe_repeated_call(call: ToolCall, answered: Sequence[ToolCall]) -> str:
    """Describe a call that has the id of an answered one: it is that call again, or has no id of its own."""
    functions = [(each.name, each.arguments) for each in answered if each.id == call.id]
    if functions and (call.name, call.arguments) not in functions:
        return f"the run makes another call, to {call.name}, under the id of an answered one, {call.id}"
    return f"the run waits again for the output of {call.id}"
