"""The fake model follows its input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs_conformance.emulator.fake_model import ModelInput, answer_text, arguments_for, plan
from runs_conformance.emulator.model_actions import (
    AddToolCall,
    AppendInput,
    AppendText,
    AwaitOutputs,
    CloseMessage,
    EndRun,
    ModelAction,
    OpenMessage,
)
from runs_conformance.emulator.tokens import tokenize


def function(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": parameters}}}


TOOLS = (function("f"), function("g"), function("h"), function("i"), {"type": "code_interpreter"})


def call_names(actions: list[ModelAction]) -> list[str]:
    return [action.name or action.type for action in actions if isinstance(action, AddToolCall)]


def text_of(actions: list[ModelAction]) -> str:
    return "".join(action.text for action in actions if isinstance(action, AppendText))


def test_plain_question() -> None:
    actions = plan(ModelInput("Hello  there", 3, TOOLS))
    assert text_of(actions) == "You said: Hello  there."
    assert actions[-1] == EndRun("completed")


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", True, []),
        ("none", True, []),
        ("required", True, ["code_interpreter", "f", "g", "h"]),
        ("required", False, ["code_interpreter", "f"]),
        ({"type": "function", "function": {"name": "g"}}, True, ["g"]),
        ({"type": "code_interpreter"}, True, ["code_interpreter"]),
    ],
)
def test_tool_choice_decides_the_calls(choice: Any, parallel: bool, expected: list[str]) -> None:
    actions = plan(ModelInput("Hello", 1, TOOLS, choice, parallel))
    assert call_names(actions) == expected
    assert isinstance(actions[-1], AwaitOutputs) == any(name in expected for name in "fgh")


def test_function_named_in_the_message_is_called() -> None:
    model_input = ModelInput("please use get_weather", 4, (function("get_weather"), function("get_time")))
    assert call_names(plan(model_input)) == ["get_weather"]


@pytest.mark.parametrize(("text", "rounds"), [("Hello", 1), ("Do it twice", 2)])
def test_functions_are_called_twice_on_request(text: str, rounds: int) -> None:
    is_waiting = [
        isinstance(plan(ModelInput(text, 1, (function("f"),), "required", round=n))[-1], AwaitOutputs)
        for n in range(rounds + 1)
    ]
    assert is_waiting == [True] * rounds + [False]


def test_arguments_match_the_parameters_and_are_split() -> None:
    parameters = {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}}
    tool = function("f", **parameters)
    assert json.loads(arguments_for(tool["function"], "Rain in Oslo")) == {"city": "Oslo", "days": 1, "unit": "C"}
    actions = plan(ModelInput("Rain in Oslo", 3, (tool,), "required"))
    assert "".join(action.text for action in actions if isinstance(action, AppendInput)) == arguments_for(
        tool["function"], "Rain in Oslo"
    )


@pytest.mark.parametrize("parameters", [{}, {"type": "string"}, {"type": "object", "properties": 5}, {"enum": []}])
def test_unusual_parameters_have_arguments(parameters: Any) -> None:
    assert isinstance(json.loads(arguments_for({"name": "f", "parameters": parameters}, "x")), dict)


@pytest.mark.parametrize("text", ["count from 1 to 500", "a very long story", "write 1000 words"])
def test_long_answer_has_many_deltas(text: str) -> None:
    assert sum(isinstance(action, AppendText) for action in plan(ModelInput(text, 5))) == 60


def test_long_answer_is_cut_at_the_limit() -> None:
    actions = plan(ModelInput("count to 500", 3, max_completion_tokens=256))
    assert len(tokenize(text_of(actions))) == 256
    assert actions[-1] == EndRun("incomplete", "max_completion_tokens")
    assert [action.reason for action in actions if isinstance(action, CloseMessage)] == ["max_tokens"]


def test_prompt_over_its_limit_has_no_answer() -> None:
    actions = plan(ModelInput("word " * 300, 300, max_prompt_tokens=256))
    assert actions[-1] == EndRun("incomplete", "max_prompt_tokens")
    assert not any(isinstance(action, OpenMessage) for action in actions)


def test_failing_model() -> None:
    assert plan(ModelInput("Hello", 1, fails=True))[-1] == EndRun("failed")


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"properties": {"a": {"type": "integer"}}}}},
    ],
)
def test_json_response_format(response_format: Any) -> None:
    assert isinstance(json.loads(answer_text(ModelInput("Hello", 1, response_format=response_format))), dict)


@pytest.mark.parametrize("text", ["", " ", "a", "  a b\n", "a \t b  ", "ümläut 😀 x"])
def test_joined_tokens_are_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text
