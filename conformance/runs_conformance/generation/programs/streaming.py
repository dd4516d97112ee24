"""Programs in which a run is followed as a stream of events."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    cancel_and_wait,
    create_forced_run,
    finish_tool_calls,
    give_up,
    prepare_caller,
    read_everything,
    require,
    send_without_refused,
    submit,
)
from runs_conformance.generation.programs.overrides import all_overrides
from runs_conformance.generation.programs.responses import has_id, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    assistant,
    forced_call,
    function_tool,
    lengthy_message,
    message,
    on_run,
    page,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import REFUSES_BODY, Concurrent, Instruction, Mutation, Role, Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import ProgramContext, StepGenerator

_EMOJI = "🌀🌁🌂🌃🌄🌅🌆🌇🌈🌉🌊🌋🌌🌍🌎🌏"
_SHIFTED_EMOJI = f"{_EMOJI}a{_EMOJI}"
"""Two runs of characters of two UTF-16 units and four bytes each, the second one shifted by one unit and one byte.

A text that is cut after every n units or bytes, for n up to 16, is cut within a character of one of the runs. It is one
word, so that a cut at spaces does not align the runs with the pieces.
"""

MESSAGE_BEYOND_ASCII = f"Sent along:\n- Αθήνα, 東京,\n\n-  晴れ時々曇り 🌤️{_SHIFTED_EMOJI}. Answer in Japanese."
"""A message with characters of two, three and four bytes in a row, which a model that repeats it streams, too."""

OUTPUT_BEYOND_ASCII = f"  18 °C,\n\n  晴れ  時々曇り {_SHIFTED_EMOJI} "


@program("lifecycle", "streaming", runs=1, requests=20)
def stream_to_completion(context: ProgramContext) -> StepGenerator:
    """A run that overrides every setting is streamed to its end, and an invalid request for a stream follows.

    The messages are listed while their text is streamed, and again after the end. The other objects that the stream
    described are read afterwards. The run is asked for an answer that is not ASCII.
    """
    if not (yield from require(assistant(context), thread(context))):
        return
    additional = [{"role": "user", "content": MESSAGE_BEYOND_ASCII}]
    members = {**all_overrides(context), "additional_messages": additional, "stream": True}
    listed = replace(page("list_messages"), after_event="thread.message.delta")
    created = yield from send_without_refused(run(**members), listed)
    if not has_id(created):
        yield from give_up("a successful response that shows an id")
        # A target that refuses the overrides may accept a plain stream; one that broke the stream off has a run.
        if created.completion is not Completion.ANSWERED or not (yield from require(run(stream=True))):
            yield page("list_runs")
            return
    yield page("list_messages")
    yield on_run("get_run")
    yield from read_everything()
    invalid: Exchange = yield _with_invalid_temperature(run("broken", stream=True, temperature=3))
    if invalid.accepted:
        yield from cancel_and_wait("broken")


def _with_invalid_temperature(step: Step) -> Step:
    """Mark the step as one whose temperature violates the contract."""
    mutation = Mutation("/temperature", "maximum", ABSENT, 3)
    return replace(step, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


@program("lifecycle", "streaming", runs=1, requests=18)
def stream_tool_call(context: ProgramContext) -> StepGenerator:
    """A streamed run calls a function, and continues in the stream that its output is submitted with.

    While it waits, a second run is tried on its thread.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_one")))):
        return
    if not (yield from prepare_caller(context)):
        return
    response = yield from _stream_until_tool_call(**forced_call(context, tools=[function_tool()]))
    if response is None:
        return
    if pending_call_count(response):
        yield page("list_run_steps")
        second: Exchange = yield run("second", stream=True)
        if second.accepted:
            yield from cancel_and_wait("second")
        submitted: Exchange = yield submit(stream=True, name="submitted", outputs=(OUTPUT_BEYOND_ASCII,))
        if not has_id(submitted):
            yield from finish_tool_calls()
    yield on_run("get_run")
    yield from read_everything()


@program("lifecycle", "streaming", runs=1, requests=20, since="2024-04-29")
def stream_two_tool_calls(context: ProgramContext) -> StepGenerator:
    """A streamed run calls two functions, and the stream of their outputs is left at the first text.

    The run is polled to its end and cancelled, which must change nothing, and its thread takes a message.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_two")))):
        return
    tools = [function_tool("get_weather"), function_tool("get_time")]
    if not (yield from prepare_caller(context)):
        return
    response = yield from _stream_until_tool_call(**forced_call(context, tools=tools, tool_choice="required"))
    if response is None:
        return
    if count := pending_call_count(response):
        # A target that repeats the outputs needs some time for these.
        left = submit(count=count, stream=True, outputs=("18 degrees, sunny. " * 100,))
        yield replace(left, leave_at_event="thread.message.delta")
    if (yield from finish_tool_calls()):
        yield page("list_run_steps")
        yield on_run("cancel_run")
        yield message("And again.")


def _stream_until_tool_call(**forced: Any) -> Generator[Instruction, Any, Exchange | None]:
    """Stream a run that must call a function, and read it afterwards; None if it was not created.

    A model that ends such a run without a call gets a second try.
    """
    for _ in range(2):
        if not (yield from create_forced_run(stream=True, **forced)):
            return None
        response: Exchange = yield on_run("get_run", name="waiting")
        if pending_call_count(response) or status(response) != "completed":
            break
    return response


@program("lifecycle", "streaming", runs=1, requests=23)
def stream_to_the_token_limit(context: ProgramContext) -> StepGenerator:
    """A streamed run with a long answer reaches the smallest limit of completion tokens.

    While its stream shows it in progress, a second streamed run is tried on its thread. After its end it is cancelled,
    which must change nothing, and its thread takes a message.
    """
    if not (yield from require(assistant(context), thread(context, text=lengthy_message(context)))):
        return
    members: dict[str, Any] = {"stream": True, "max_completion_tokens": 256}
    second = replace(run("second", **members), after_event="thread.run.in_progress")
    first_response, second_response = yield Concurrent((run(**members), second))
    if second_response.accepted:
        yield from cancel_and_wait("second")
    if not has_id(first_response):
        yield from give_up("a successful response that shows an id")
        return
    yield on_run("get_run")
    yield from read_everything()
    yield on_run("cancel_run")
    yield message("And again.")
