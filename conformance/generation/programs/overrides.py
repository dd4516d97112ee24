"""Programs about what a run takes from its request, what from its assistant, and what by default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.generation.programs.answer import made
from conformance.generation.programs.declaration import program
from conformance.generation.programs.passage import ended, finished, ready
from conformance.generation.programs.steps import (
    assistant,
    function_tool,
    on_assistant,
    on_run,
    page,
    prompt,
    run,
    since,
    thread,
)
from conformance.model.case import Either
from conformance.model.exchange import Exchange
from conformance.model.program import Play, Setting

_RICH: dict[str, Any] = {
    "name": "Rich",
    "description": "An assistant with everything set.",
    "instructions": "Answer in one word.",
    "tools": [function_tool("get_weather"), {"type": "code_interpreter"}],
    "metadata": {"team": "blue", "empty": ""},
    "temperature": 0.7,
    "top_p": 0.8,
    "response_format": {"type": "text"},
}


def every_member(setting: Setting) -> dict[str, Any]:
    """Every member of a run's request that is echoed, each with a value that is not the default."""
    members: dict[str, Any] = {
        "instructions": "Answer in French.",
        "tools": [function_tool(), {"type": "file_search"}],
        "metadata": {"colour": "red", "empty": "", "ключ": "значение"},
        "temperature": 0.3,
        "top_p": 0.9,
        "max_prompt_tokens": 20000,
        "max_completion_tokens": 900,
        "truncation_strategy": {"type": "last_messages", "last_messages": 3},
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "stream": False,
    }
    if since(setting, "2024-06-06"):
        members["parallel_tool_calls"] = False
    return members


@program("lifecycle", "core", runs=1, requests=17, quick=True)
def every_override(setting: Setting) -> Play:
    """A run overrides all that it can, calling no function among it although it has one and is asked to."""
    talk = thread(setting, text=prompt(setting, "call_one"))
    if not (yield from ready(assistant(setting, **_RICH), talk, run(**every_member(setting)))):
        return
    yield on_run("get_run")
    if (yield from finished()):
        yield page("list_run_steps")


@program("lifecycle", "core", runs=1, requests=13, quick=True)
def inherited(setting: Setting) -> Play:
    """A run that says nothing takes everything from its assistant, and keeps it when the assistant changes."""
    if not (yield from ready(assistant(setting, **_RICH), thread(setting), run())):
        return
    yield on_run("get_run")
    if not setting.given.get("assistant"):
        changed = {"instructions": "Answer in two words.", "temperature": 0.2, "tools": [], "metadata": {}}
        yield on_assistant("modify_assistant", body=changed)
        yield on_run("get_run")
    yield from ended()


@program("lifecycle", "core", runs=1, requests=11)
def override_by_zero_and_nothing(setting: Setting) -> Play:
    """A run overrides with values that are easily taken for none: zero, false, an empty list, an empty object."""
    members: dict[str, Any] = {"temperature": 0, "tools": [], "metadata": {}, "response_format": "auto"}
    members |= {"tool_choice": "auto", "truncation_strategy": {"type": "auto"}}
    if since(setting, "2024-06-06"):
        members["parallel_tool_calls"] = False
    if not (yield from ready(assistant(setting, **_RICH), thread(setting), run(**members))):
        return
    yield on_run("get_run")
    yield from ended()


@program("lifecycle", "core", runs=1, requests=11)
def override_by_null(setting: Setting) -> Play:
    """A run that says null where it may takes what it would take had it said nothing."""
    nullable = ["model", "instructions", "additional_instructions", "additional_messages", "tools", "metadata"]
    nullable += ["temperature", "top_p", "stream", "max_prompt_tokens", "max_completion_tokens"]
    nullable += ["truncation_strategy", "tool_choice", "response_format"]
    nulls: dict[str, Any] = dict.fromkeys(nullable)
    if not (yield from ready(assistant(setting, **_RICH), thread(setting), run(**nulls))):
        return
    yield on_run("get_run")
    yield from ended()


@program("lifecycle", "core", runs=1, requests=11)
def override_model(setting: Setting) -> Play:
    """A run overrides its assistant's model by another; where the target has no such model nothing follows."""
    if setting.other_model == setting.model:
        return
    if not (yield from ready(assistant(setting), thread(setting))):
        return
    step = run(model=setting.other_model)
    started: Exchange = yield replace(step, expectation=Either("which models there are is the target's affair"))
    if made(started):
        yield on_run("get_run")
        yield from ended()


@program("lifecycle", "core", runs=1, requests=11, since="2024-08-06")
def structured_answer(setting: Setting) -> Play:
    """A run asks for JSON that fits a schema, and shows that it was asked to."""
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "json")))):
        return
    started: Exchange = yield replace(run(response_format=wanted), expectation=Either("older models refuse it"))
    if made(started):
        yield on_run("get_run")
        yield from ended()
