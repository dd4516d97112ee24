"""Programs about which settings a run takes from its request, from its assistant and by default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    finish_tool_calls,
    require,
    require_tools,
    send_without_refused,
)
from runs_conformance.generation.programs.responses import has_id
from runs_conformance.generation.programs.steps import (
    SPECIAL_KEYS,
    assistant,
    edition_includes,
    function_tool,
    on_assistant,
    on_run,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Either
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_FULL_ASSISTANT: dict[str, Any] = {
    "name": "Rich",
    "description": "An assistant with everything set.",
    "instructions": " Answer in one word.\n",
    "tools": [function_tool("get_weather"), {"type": "code_interpreter"}],
    "metadata": {"Team Name": "Blue & Co.", "empty": "", "a.b-c_d": " spaced "},
    "temperature": 0.7,
    "top_p": 0.8,
    "response_format": {"type": "text"},
}


def all_overrides(context: ProgramContext) -> dict[str, Any]:
    """Every member of a run's request that the run echoes, each with a value that is not the default."""
    members: dict[str, Any] = {
        "instructions": "Answer in French. \n\n",
        "tools": [function_tool(), {"type": "file_search"}],
        "metadata": {
            "Colour": " Red 🧀 ",
            "empty": "",
            "ключ": "значение",
            "number": "42",
            "truth": "true",
            "json": "[1]",
        },
        "temperature": 0.375,
        "top_p": 0.625,
        "max_prompt_tokens": 20000,
        "max_completion_tokens": 900,
        "truncation_strategy": {"type": "last_messages", "last_messages": 2},
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "stream": False,
    }
    if edition_includes(context, "2024-06-06"):
        members["parallel_tool_calls"] = False
    return members


def _with_special_keys(members: dict[str, Any]) -> dict[str, Any]:
    """Add such keys to the metadata of a run and to the parameters of its function.

    Those of a function begin with no `$`, which some model providers refuse.
    """
    names = ("city", *(key for key in SPECIAL_KEYS if not key.startswith("$")))
    parameters = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": ["city"]}
    function, *others = members["tools"]
    function = {**function, "function": {**function["function"], "parameters": parameters}}
    return {**members, "tools": [function, *others], "metadata": {**members["metadata"], **SPECIAL_KEYS}}


@program("lifecycle", "core", runs=2, requests=28)
def every_override(context: ProgramContext) -> StepGenerator:
    """A run overrides every setting of its assistant, and the next run on its thread overrides none.

    The first has keys such as `_id` in its metadata, calls no function although it has one and is asked to, and reads
    fewer messages than its thread has. The second inherits everything from its assistant, and keeps it when the
    assistant is modified. It waits for the outputs of its call when it is cancelled.
    """
    texts = ("One.", "Two.", "Three.", "Four.", prompt(context, "call_one"))
    messages = [{"role": "user", "content": text} for text in texts]
    busy_thread = thread(context, text=texts[-1], messages=messages)
    if not ((yield from require_tools(assistant(context, **_FULL_ASSISTANT))) and (yield from require(busy_thread))):
        return
    first_run = yield from send_without_refused(run(**_with_special_keys(all_overrides(context))))
    if has_id(first_run):
        yield on_run("get_run")
        yield on_assistant("get_assistant")
        if (yield from finish_tool_calls()):
            yield page("list_run_steps")
            yield page("list_messages")
    if not (yield from require(run("plain"))):
        return
    yield on_run("get_run", "plain")
    if not context.use.get("assistant"):
        changed = {"instructions": "Answer in two words.", "temperature": 0.2, "tools": [], "metadata": {}}
        yield on_assistant("modify_assistant", body=changed)
        yield on_run("get_run", "plain")
    yield poll("plain")
    yield from cancel_and_wait("plain")


@program("lifecycle", "core", runs=1, requests=14)
def override_by_nothing(context: ProgramContext) -> StepGenerator:
    """A run overrides settings with falsy values (zero, false, an empty text and list), and others with null."""
    nullable = ["model", "additional_instructions", "additional_messages", "top_p", "stream", "max_prompt_tokens"]
    nullable += ["max_completion_tokens", "truncation_strategy", "tool_choice", "response_format"]
    falsy: dict[str, Any] = {"temperature": 0, "tools": [], "metadata": {}, "instructions": ""}
    if edition_includes(context, "2024-06-06"):
        falsy["parallel_tool_calls"] = False
    full_assistant = assistant(context, **_FULL_ASSISTANT)
    if not ((yield from require_tools(full_assistant)) and (yield from require(thread(context)))):
        return
    fewer = [
        {name: value for name, value in falsy.items() if name not in left_out}
        for left_out in ((), ("temperature",), ("instructions",), ("temperature", "instructions"))
    ]
    for members in ({**dict.fromkeys(nullable), **falsy}, *fewer[:-1]):
        if has_id((yield run(**members))):
            break
    else:
        if not (yield from require(run(**fewer[-1]))):
            return
    yield on_run("get_run")
    yield from cancel_and_wait()


@program("lifecycle", "core", runs=3, requests=20)
def overrides_that_depend_on_the_model(context: ProgramContext) -> StepGenerator:
    """A run overrides the model and settings that not every model supports.

    If they are refused together, each is tried on its own.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "json")))):
        return
    members: dict[str, Any] = {}
    if context.other_model != context.model:
        members["model"] = context.other_model
    if edition_includes(context, "2024-08-06"):
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        members["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    if edition_includes(context, "2025-02-10"):
        members["reasoning_effort"] = "low"
    if (yield from _try_members(members)) or len(members) < 2:
        return
    for name, value in members.items():
        yield from _try_members({name: value})


def _try_members(members: dict[str, Any]) -> Fragment:
    """Create a run with members that the target's models may not support; returns whether it was created."""
    step = run(**members)
    created: Exchange = yield replace(
        step, expectation=Either("targets differ in their models and in what these support")
    )
    if not has_id(created):
        return False
    yield on_run("get_run")
    yield on_assistant("get_assistant")
    yield from cancel_and_wait()
    return True
