"""Tool choice: which tools a run calls, and how many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.pending_tool_calls import awaited_calls
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import pending_calls
from runs_conformance.evidence.tool_choice import ToolChoiceRuns, runs_by_tool_choice
from runs_conformance.model.error_message import error_message
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion, with_part

_CHOICE = schema("openai-openapi f85dbe2 openapi.yaml AssistantsApiToolChoiceOption")
_SEVERAL_CALLS = "a run that made several calls at once"
_ONE_CALL = "a run without parallel calls that made one"
_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(
    units=runs_by_tool_choice,
    level=Level.MUST,
    source=_CHOICE,
    capability="tools",
    clauses=("tool-choice-is-obeyed",),
    relies_on=("choice.a_tool_is_called_when_one_must_be",),
)
def no_tool_is_called_when_none_may_be(choice: ToolChoiceRuns) -> Iterator[Result]:
    """A run with tool choice `none` calls no tool.

    Callers forbid tools if nothing can provide the outputs of the calls; the run would then wait until it expires.

    Fix: Do not offer tools to the model if the choice is `none`.
    """
    if choice.mode != "none":
        return
    for run in choice.runs:
        call = choice.find_call(run)
        if call is not None:
            yield call.finding(
                f"the run{_origin([run])} calls a tool, although its tool choice is 'none'", expected="no call"
            )
        elif (step := choice.find_unclear_step(run)) is not None:
            yield Inconclusive(f"a step of type {excerpt(step.text('type'), 40)!r} shows neither a call nor a message")
        elif choice.completed_without_call(run):
            kinds = choice.kinds_of_tools([run])
            yield Passed("function" if "function" in kinds else _kind_of_tools(choice, [run]))


@rule(
    units=runs_by_tool_choice,
    level=Level.MUST,
    source=_CHOICE,
    capability="tools",
    clauses=("tool-choice-is-obeyed",),
)
def a_tool_is_called_when_one_must_be(choice: ToolChoiceRuns) -> Iterator[Result]:
    """A run whose tool choice is `required` or names a tool calls a tool before it answers.

    Callers force a tool because they need its call, not an answer. A model may fail once, so the rule fails only if at
    least two such runs completed without a call and fewer made one. Runs whose requests contain the tools, and runs
    that inherit them from the assistant, are also counted separately; such a group fails only if at least three of
    its runs completed without a call. If one run completed without a call and no other made one, the rule does not
    pass.

    Fix: Pass the tool choice to the model unchanged, together with the tools of the run.
    """
    if choice.mode in ("none", "auto"):
        return
    called = [run for run in choice.runs if choice.find_call(run)]
    yield from (PASSED for _ in called)
    for kind, sample in choice.samples.items():
        without = [run for run in sample if choice.completed_without_call(run)]
        calling = sum(run in called for run in sample)
        if len(without) > max(1 if sample == choice.runs else 2, calling):
            message = _describe_ignored(choice, without, calling, kind)
            finding = without[-1].last.finding(message, expected="a call")
            yield replace(finding, part=_kind_of_tools(choice, without))
            return
    if not called and any(map(choice.completed_without_call, choice.runs)):
        named = excerpt(choice.function or choice.mode, 60)
        yield Suspicion(f"a run with tool choice {named!r} completed without a call, and no other made one")
    elif not called and choice.runs:
        yield Inconclusive("the run ended without a call, or its end was not observed")


def _kind_of_tools(choice: ToolChoiceRuns, without: Sequence[RunTimeline]) -> str:
    """The type of the tools that these runs did not call; empty if they have several, or none that is known."""
    kinds = choice.kinds_of_tools(without)
    return next(iter(kinds)) if len(kinds) == 1 else ""


def _describe_ignored(choice: ToolChoiceRuns, without: Sequence[RunTimeline], called: int, kind: str) -> str:
    named = excerpt(choice.function or choice.mode, 60)
    demanded = f"although their tool choice is {'the function ' if choice.function else ''}{named!r}"
    kind = kind.replace("runs", f"runs{_origin(without)}", 1)
    if not called:
        return f"none of {len(without)} completed {kind} called a tool, {demanded}"
    return f"{len(without)} of {len(without) + called} {kind} completed without a call, {demanded}"


def _origin(runs: Sequence[RunTimeline]) -> str:
    """The operation that created these runs, if it is the same: it may have lost the setting there only."""
    operations = {run.creation.operation for run in runs if run.creation is not None}
    return f" of {operations.pop()}" if len(operations) == 1 else ""


@rule(
    units=runs_by_tool_choice,
    level=Level.MUST,
    source=_CHOICE,
    capability="tools",
    clauses=("tool-choice-is-obeyed",),
)
def the_tool_that_is_named_is_called(choice: ToolChoiceRuns) -> Iterator[Result]:
    """A run whose tool choice names a function calls that function.

    Callers force a function to obtain its arguments.

    Fix: Pass the tool choice to the model unchanged.
    """
    if choice.function is None:
        return
    for run in choice.runs:
        waiting = (each for each in run.observations if each.status == "requires_action")
        first, calls = next(((each, calls) for each in waiting if (calls := awaited_calls(run, each))), (None, ()))
        if first is not None:
            names = [call.name for call in calls]
            is_obeyed = choice.function in names
            message = f"the run{_origin([run])} calls a different function"
            yield first.check(is_obeyed, message, _place(first), choice.function, names)
    if choice.refused and not choice.runs:
        refused = choice.refused[-1]
        said = error_message(refused.body)
        reason = f"no run whose tool choice names a function was created: {refused.operation} got HTTP {refused.status}"
        yield Inconclusive(reason if said is None else f"{reason}, saying: {excerpt(said, 160)}")


@rule(
    units=runs,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml ParallelToolCalls"),
    capability="tools",
    clauses=("no-parallel-calls-when-disabled",),
    needs_parts=((_SEVERAL_CALLS, "submit_tool_outputs"), (_ONE_CALL, "submit_tool_outputs")),
)
def calls_are_not_parallel_unless_allowed(run: RunTimeline) -> Iterator[Result]:
    """A run with `parallel_tool_calls` false makes one call at a time.

    Callers disable parallel calls if one call depends on the output of another. A test run passes only if a run that
    may make parallel calls made some.

    Fix: Pass `parallel_tool_calls` to the model, or drop all calls but the first.
    """
    is_disabled = run.creation_body.get("parallel_tool_calls") is False
    is_recorded = run.creation is None or run.creation.step is None
    for observation in run.observations:
        calls = awaited_calls(run, observation)
        if observation.status != "requires_action" or calls is None:
            continue
        if is_disabled:
            message = f"the run{_origin([run])} makes {len(calls)} parallel calls"
            result = observation.check(len(calls) <= 1, message, _place(observation), 1, len(calls))
            yield with_part(result, _ONE_CALL)
        elif len(calls) > 1 and not is_recorded:
            yield Passed(_SEVERAL_CALLS)


def _place(run: Observation) -> str:
    """The place of the calls in a waiting run; the run itself if only its steps show them."""
    return "" if pending_calls(run) is None else _CALLS
