"""Programs about what a run takes from its request, what from its assistant, and what by default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ended, finished, ready
from runs_conformance.generation.programs.responses import made
from runs_conformance.generation.programs.steps import (
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
from runs_conformance.model.case import Either
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting

_RICH: dict[str, Any] = {
    "name": "Rich",
    "description": "An assistant with everything set.",
    "instructions": " Answer in one word.\n",
    "tools": [function_tool("get_weather"), {"type": "code_interpreter"}],
    "metadata": {"Team Name": "Blue & Co.", "empty": "", "a.b-c_d": " spaced "},
    "temperature": 0.7,
    "top_p": 0.8,
    "response_format": {"type": "text"},
}


def every_member(setting: Setting) -> dict[str, Any]:
    """Every member of a run's request that is echoed, each with a value that is not the default."""
    members: dict[str, Any] = {
        "instructions": "Answer in French. \n\n",
        "tools": [function_tool(), {"type": "file_search"}],
        "metadata": {
            "Colour": " Red ",
            "empty": "",
            "ключ": "значение",
            "number": "42",
            "truth": "true",
            "json": "[1]",
        },
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


@program("lifecycle", "core", runs=2, requests=24, quick=True)
def every_override(setting: Setting) -> Play:
    """A run overrides all that it can, calling no function among it although it has one and is asked to. The next run
    of its thread says nothing: it takes everything from its assistant, and keeps it when the assistant changes.
    """
    talk = thread(setting, text=prompt(setting, "call_one"))
    if not (yield from ready(assistant(setting, **_RICH), talk)):
        return
    first: Exchange = yield run(**every_member(setting))
    if made(first):
        yield on_run("get_run")
        yield on_assistant("get_assistant")
        if (yield from finished()):
            yield page("list_run_steps")
    if not (yield from ready(run("plain"))):
        return
    yield on_run("get_run", "plain")
    if not setting.given.get("assistant"):
        changed = {"instructions": "Answer in two words.", "temperature": 0.2, "tools": [], "metadata": {}}
        yield on_assistant("modify_assistant", body=changed)
        yield on_run("get_run", "plain")
    yield from ended("plain")


@program("lifecycle", "core", runs=1, requests=12)
def override_by_nothing(setting: Setting) -> Play:
    """A run overrides with what is easily taken for nothing (zero, false, an empty list), and elsewhere says null."""
    nullable = ["model", "instructions", "additional_instructions", "additional_messages", "top_p", "stream"]
    nullable += ["max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "tool_choice", "response_format"]
    members: dict[str, Any] = {**dict.fromkeys(nullable), "temperature": 0, "tools": [], "metadata": {}}
    if since(setting, "2024-06-06"):
        members["parallel_tool_calls"] = False
    if not (yield from ready(assistant(setting, **_RICH), thread(setting), run(**members))):
        return
    yield on_run("get_run")
    yield from ended()


@program("lifecycle", "core", runs=3, requests=20)
def overrides_that_depend_on_the_model(setting: Setting) -> Play:
    """A run overrides the model and what not every model takes; where that is refused, each by itself."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "json")))):
        return
    members: dict[str, Any] = {}
    if setting.other_model != setting.model:
        members["model"] = setting.other_model
    if since(setting, "2024-08-06"):
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        members["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    if since(setting, "2025-02-10"):
        members["reasoning_effort"] = "low"
    if (yield from _depending(members)) or len(members) < 2:
        return
    for name, value in members.items():
        yield from _depending({name: value})


def _depending(members: dict[str, Any]) -> Passage:
    """A run with members that the target's models may not take; whether it was started."""
    step = run(**members)
    started: Exchange = yield replace(step, expectation=Either("which models there are, and what they take, differs"))
    if not made(started):
        return False
    yield on_run("get_run")
    yield on_assistant("get_assistant")
    yield from ended()
    return True
