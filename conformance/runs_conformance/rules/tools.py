"""Tool calls: what a run asks for, what it is sent, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.pending_tool_calls import Waiting, waits
from runs_conformance.evidence.run_action import Act, submissions
from runs_conformance.evidence.tool_call import calls_in_step, calls_of, outputs_in, steps_of
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SUBMIT = schema("openai-openapi f85dbe2 openapi.yaml submitToolOuputsToRun")
_STEP = schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsToolCallsFunctionObject.output")
_CHOICE = schema("openai-openapi f85dbe2 openapi.yaml AssistantsApiToolChoiceOption")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/tool-function-calling.txt")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30; semantic-kernel#8701")
_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(
    over=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-36",),
)
def outputs_are_taken_only_when_required(act: Act) -> Iterator[Result]:
    """A run that does not require action takes no tool outputs.

    It has ended, or has not called anything yet. The real service said `Runs in status "completed" do not accept tool
    outputs.`, with 400.
    """
    before, exchange = act.before, act.exchange
    if before is None or before.status == "requires_action":
        return
    if before.status not in TERMINAL and exchange.step is None:
        return  # what made somebody else submit may just not have been recorded
    if exchange.accepted:
        yield exchange.finding(f"a run that was {before.status!r} took tool outputs", "", 400, exchange.status)
    elif exchange.refused:
        yield HELD
    else:
        yield Undecided(f"the submission was answered {exchange.status}")


def _wanted(act: Act) -> list[str] | None:
    """The ids of the calls that the run certainly waited for when outputs were submitted."""
    calls = calls_of(act.before) if act.before is not None and act.before.status == "requires_action" else None
    return [call.id for call in calls] if calls else None


@rule(
    over=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-36", "L-40"),
    closed=True,
)
def right_outputs_are_taken(act: Act) -> Iterator[Result]:
    """A run that requires action takes the outputs of its calls, each once and all in one request, in any order.

    This is what the run waits for. Compare sets of ids, not lists.
    """
    wanted, sent = _wanted(act), list(outputs_in(act.exchange.request.body))
    if wanted is None or not act.plain or sorted(id_ for id_, _ in sent) != sorted(wanted):
        return
    if any(not isinstance(output, str) for _, output in sent):
        return
    if act.exchange.accepted:
        yield HELD
    elif act.exchange.refused and act.after is not None and act.after.status == "requires_action":
        yield act.exchange.finding("the outputs that the run waits for were refused", "", 200, act.exchange.status)
    else:
        yield Undecided("the run may have ended before its outputs came")


def _refused(act: Act, wrong: bool, why: str) -> Iterator[Result]:
    exchange = act.exchange
    if not wrong:
        return
    if exchange.accepted:
        yield exchange.finding(why, "", 400, exchange.status)
    elif exchange.refused:
        yield HELD


@rule(
    over=submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-37",),
)
def missing_outputs_are_refused(act: Act) -> Iterator[Result]:
    """Outputs that leave out one of the calls are refused: all must be submitted in a single request.

    A run that goes on with some of the outputs answers without the others, and nobody notices.
    """
    wanted, sent = _wanted(act), [id_ for id_, _ in outputs_in(act.exchange.request.body)]
    if act.exchange.step is None and not set(sent) <= set(wanted or ()):
        return  # a later round of calls may just not have been recorded
    missing = [id_ for id_ in wanted or () if id_ not in sent]
    yield from _refused(act, bool(missing), f"outputs were taken without that of {missing[:1]}")


@rule(
    over=submissions,
    level=Level.SHOULD,
    source=_SEEN,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-38",),
)
def unknown_outputs_are_refused(act: Act) -> Iterator[Result]:
    """Outputs of a call that the run did not make are refused, alone or beside those of its calls.

    Such an output was meant for another run or another round. Compare ids, not positions.
    """
    wanted, sent = _wanted(act), [id_ for id_, _ in outputs_in(act.exchange.request.body)]
    unknown = [id_ for id_ in sent if wanted is not None and id_ not in wanted]
    if act.exchange.step is None and not set(wanted or ()) <= set(sent):
        return  # a later round of calls may just not have been recorded
    yield from _refused(act, bool(unknown), f"an output for {unknown[:1]} was taken, which was never called")


@rule(
    over=submissions,
    level=Level.MAY,
    source=_SEEN,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-38",),
)
def repeated_outputs_are_refused(act: Act) -> Iterator[Result]:
    """Two outputs for one call are refused; no source says so, so this is for information.

    Which of the two counts would be chance.
    """
    wanted, sent = _wanted(act), [id_ for id_, _ in outputs_in(act.exchange.request.body)]
    twice = wanted is not None and set(wanted) == set(sent) and len(sent) > len(wanted)
    yield from _refused(act, twice, "two outputs for one call were taken")


@rule(
    over=submissions,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-39",),
    closed=True,
)
def refused_outputs_leave_the_run_waiting(act: Act) -> Iterator[Result]:
    """A run whose outputs were refused waits on, for the same calls, so that the client can correct itself.

    Check all of the outputs before any of them is stored.
    """
    wanted, after = _wanted(act), act.after
    if wanted is None or after is None or not act.exchange.refused:
        return
    if after.status == "expired":
        yield Undecided("the run expired meanwhile")
        return
    now = [call.id for call in calls_of(after) or ()]
    yield after.check(
        after.status == "requires_action", "the run waits no longer", "/status", "requires_action", after.status
    )
    if after.status == "requires_action":
        yield after.check(now == wanted, "the run waits for other calls than before", _CALLS, wanted, now)


@rule(
    over=submissions,
    level=Level.SHOULD,
    source=_SEEN,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-40",),
)
def accepted_outputs_queue_the_run(act: Act) -> Iterator[Result]:
    """Accepted outputs are answered with the run, `queued` again and with no action required.

    Clients poll on from this answer. One that still requires action makes them submit again.
    """
    if act.exchange.accepted and act.answer is not None:
        status, action = act.answer.status, act.answer.get("required_action")
        yield act.answer.check(status == "queued", f"the answer says {status!r}", "/status", "queued", status)
        yield act.answer.check(
            action is None or action is ABSENT or status == "requires_action",
            "the answer still requires action",
            "/required_action",
            None,
            action,
        )


@rule(
    over=submissions,
    level=Level.MUST,
    source=_GUIDE,
    capability="tools",
    operation="submit_tool_outputs",
    items=("L-40",),
)
def accepted_outputs_are_not_asked_for_again(act: Act) -> Iterator[Result]:
    """A run that has taken the output of a call does not wait for it again.

    It moves back to the queue, and may make new calls, with ids of their own.
    """
    wanted = _wanted(act)
    sent = {id_ for id_, _ in outputs_in(act.exchange.request.body)}
    if act.exchange.accepted and wanted is not None and set(wanted) <= sent:
        for seen in act.later:
            again = [call.id for call in calls_of(seen) or () if call.id in sent] if seen.status in ACTIVE else []
            waits_on = seen.status == "requires_action" and bool(again)
            yield seen.check(not waits_on, f"the run waits for {again[:1]} again", _CALLS, None, again)


@rule(
    over=submissions,
    level=Level.SHOULD,
    source=_STEP,
    capability="steps",
    operation="submit_tool_outputs",
    items=("L-41",),
)
def step_records_the_outputs(act: Act) -> Iterator[Result]:
    """When outputs were submitted, the step that made the calls shows each of them, word for word.

    `output` is null only as long as nothing was submitted. Judged when the run has ended.
    """
    if not act.exchange.accepted:
        return
    sent = dict(outputs_in(act.exchange.request.body))
    for step in steps_of(act.run):
        for place, call in enumerate(calls_in_step(step)):
            told = call.id in sent and isinstance(sent[call.id], str) and act.run.surely_terminal(step.exchange)
            if told and act.exchange.before(step.exchange):
                where = f"/step_details/tool_calls/{place}/function/output"
                yield step.check(
                    call.output == sent[call.id], "the step shows another output", where, sent[call.id], call.output
                )


@rule(over=submissions, level=Level.SHOULD, source=_STEP, capability="steps", items=("L-42", "L-54"))
def step_keeps_the_calls(act: Act) -> Iterator[Result]:
    """A step goes on showing the function and the arguments of the calls that its run waited for, after it has ended.

    They are what explains the outputs beside them. Judged when the run has ended.
    """
    waited = {call.id: call for call in (calls_of(act.before) if act.before is not None else None) or ()}
    for step in steps_of(act.run) if act.exchange.accepted else ():
        for place, call in enumerate(calls_in_step(step)):
            made = waited.get(call.id)
            if made is not None and act.exchange.before(step.exchange) and act.run.surely_terminal(step.exchange):
                where = f"/step_details/tool_calls/{place}/function"
                same = (call.name, call.arguments) == (made.name, made.arguments)
                yield step.check(same, "the step shows another call", where, made.arguments, call.arguments)


@rule(over=waits, level=Level.MUST, source=_STEP, capability="steps", items=("L-42",))
def step_is_open_while_the_run_waits(waiting: Waiting) -> Iterator[Result]:
    """While a run waits for outputs, the step that makes the calls is in progress and shows none.

    `output` is null if the outputs have not been submitted yet, and only what is finished is `completed`.
    """
    for step in waiting.steps:
        calls = calls_in_step(step)
        if {call.id for call in calls} & waiting.ids:
            yield step.check(step.status == "in_progress", "the step is closed", "/status", "in_progress", step.status)
            shown = [call.output for call in calls if call.id in waiting.ids and call.output not in (None, ABSENT)]
            yield step.check(not shown, "the step shows an output that nobody sent", "/step_details", None, *shown[:1])


@rule(over=waits, level=Level.SHOULD, source=_STEP, capability="steps", items=("L-42", "L-55"))
def step_shows_the_calls(waiting: Waiting) -> Iterator[Result]:
    """While a run waits for outputs, one of its steps shows the same calls: ids, functions and arguments.

    Steps and `required_action` tell of the same calls; clients read either.
    """
    if waiting.page is None:
        return
    shown = {call.id: call for step in waiting.steps for call in calls_in_step(step)}
    for call in waiting.calls:
        like = shown.get(call.id)
        same = like is not None and (like.name, like.arguments) == (call.name, call.arguments)
        yield (
            HELD
            if same
            else waiting.page.exchange.finding(
                f"no step shows the call {call.id} to {call.name}",
                "/data",
                call.arguments,
                like.arguments if like else ABSENT,
            )
        )
