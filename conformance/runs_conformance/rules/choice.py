"""What a run was told of its tools: which to call, and how many at once."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.evidence.tool_call import calls_of
from runs_conformance.evidence.tool_choice import Choice, forced_choices
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_CHOICE = schema("openai-openapi f85dbe2 openapi.yaml AssistantsApiToolChoiceOption")
_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(over=forced_choices, level=Level.MUST, source=_CHOICE, capability="tools", items=("L-80",))
def no_tool_is_called_when_none_may_be(choice: Choice) -> Iterator[Result]:
    """A run with tool choice `none` calls no tool.

    Callers forbid tools where nobody is there to answer the call, so the run would wait until it expires. Do not
    offer the model any.
    """
    if choice.word != "none":
        return
    for run in choice.runs:
        called = choice.called(run)
        if called is not None:
            yield called.finding("a tool was called, and none may be", "", "none", None)
        elif choice.ended_without_a_call(run):
            yield HELD


@rule(over=forced_choices, level=Level.MUST, source=_CHOICE, capability="tools", items=("L-80",))
def a_tool_is_called_when_one_must_be(choice: Choice) -> Iterator[Result]:
    """A run with tool choice `required`, or with a tool that it names, calls one before it answers.

    A model may fail once; it is held against the target if two of two such runs complete without a call.
    """
    if choice.word in ("none", "auto"):
        return
    called = [run for run in choice.runs if choice.called(run)]
    without = [run for run in choice.runs if choice.ended_without_a_call(run)]
    yield from (HELD for _ in called)
    if without and not called and len(without) > 1:
        yield without[-1].last.finding("no tool was called, in two of two runs", "", choice.shown, None)
    elif not called and choice.runs:
        yield Undecided("the run ended without a call, or was not seen to its end")


@rule(over=forced_choices, level=Level.MUST, source=_CHOICE, capability="tools", items=("L-80",))
def the_tool_that_is_named_is_called(choice: Choice) -> Iterator[Result]:
    """A run whose tool choice names a function calls that function.

    Callers force a function to get its arguments. Pass the choice on to the model as it is.
    """
    if choice.function is None:
        return
    for run in choice.runs:
        first = next((seen for seen in run.sightings if seen.status == "requires_action" and calls_of(seen)), None)
        if first is not None:
            names = [call.name for call in calls_of(first) or ()]
            yield first.check(choice.function in names, "another function is called", _CALLS, choice.function, names)


@rule(
    over=runs,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml ParallelToolCalls"),
    capability="tools",
    items=("L-81",),
)
def calls_are_not_parallel_unless_allowed(run: RunLine) -> Iterator[Result]:
    """A run with `parallel_tool_calls` false makes one call at a time.

    Callers ask for it when the outputs depend on each other. Pass the setting on to the model, or drop all calls
    but the first.
    """
    for seen in run.sightings if run.asked.get("parallel_tool_calls") is False else ():
        calls = calls_of(seen)
        if seen.status == "requires_action" and calls is not None:
            yield seen.check(len(calls) <= 1, f"{len(calls)} calls at once", _CALLS, 1, len(calls))
