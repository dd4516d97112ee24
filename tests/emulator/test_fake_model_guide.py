"""Each row of the guide's table about the fake model is true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.emulator.fake_model import ModelInput, plan
from runs_conformance.emulator.model_actions import AddToolCall, AppendText, AwaitOutputs, EndRun, ModelAction

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-your-client.md"
FUNCTIONS: tuple[Any, ...] = tuple(
    {"type": "function", "function": {"name": name}} for name in ("f1", "f2", "f3", "f4")
)
CODE, SEARCH = {"type": "code_interpreter"}, {"type": "file_search"}


def called(actions: list[ModelAction]) -> list[str]:
    return [action.name or action.type for action in actions if isinstance(action, AddToolCall)]


def text(actions: list[ModelAction]) -> str:
    return "".join(action.text for action in actions if isinstance(action, AppendText))


def ending(actions: list[ModelAction]) -> tuple[str, str | None]:
    last = actions[-1]
    assert isinstance(last, EndRun)
    return last.status, last.reason


def tool_choice() -> None:
    one: Any = {"type": "function", "function": {"name": "f4"}}
    assert called(plan(ModelInput("Hi", 1, FUNCTIONS, one))) == ["f4"]
    actions = plan(ModelInput("Hi", 1, FUNCTIONS, "required"))
    assert called(actions) == ["f1", "f2", "f3"]
    assert isinstance(actions[-1], AwaitOutputs)


def name_of_a_function() -> None:
    assert called(plan(ModelInput("Use f2", 1, FUNCTIONS))) == ["f2"]


def twice() -> None:
    for round_, calls in enumerate((["f2"], ["f2"], [])):
        assert called(plan(ModelInput("Use f2 twice", 1, FUNCTIONS, round=round_))) == calls


def message_first() -> None:
    actions = plan(ModelInput("Say what you will do, then use f2", 1, FUNCTIONS))
    assert text(actions) == "I will look it up."
    assert called(actions) == ["f2"]


def code() -> None:
    for word in words_of("code_interpreter"):
        assert called(plan(ModelInput(f"{word} it", 1, (CODE, SEARCH)))) == ["code_interpreter"]


def search() -> None:
    for word in words_of("file_search"):
        assert called(plan(ModelInput(f"{word} it", 1, (CODE, SEARCH)))) == ["file_search"]


def long_answer() -> None:
    for request in ("Count to 9", "A very long story", "Write 500 words"):
        assert text(plan(ModelInput(request, 1))).split() == [str(number) for number in range(1, 601)]
    for request in ("Count the words", "9 times, count"):
        assert text(plan(ModelInput(request, 1))) == f"You said: {request}."


def completion_tokens() -> None:
    assert ending(plan(ModelInput("Hi", 1, max_completion_tokens=1))) == ("incomplete", "max_completion_tokens")


def prompt_tokens() -> None:
    actions = plan(ModelInput("one two three", 3, max_prompt_tokens=2))
    assert (ending(actions), text(actions)) == (("incomplete", "max_prompt_tokens"), "")


def failing_model() -> None:
    assert ending(plan(ModelInput("Hi", 1, fails=True))) == ("failed", None)


def response_format() -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}}
    for form, members in (
        ({"type": "json_object"}, {"answer"}),
        ({"type": "json_schema", "json_schema": {"schema": schema}}, {"sum"}),
    ):
        assert json.loads(text(plan(ModelInput("Hi", 1, response_format=form)))).keys() == members


def otherwise() -> None:
    assert text(plan(ModelInput("Hi", 1))) == "You said: Hi."
    assert text(plan(ModelInput("Hi", 1, round=1, outputs=("rain",)))) == "You said: Hi. The tools said: rain."


ROWS: dict[str, Callable[[], None]] = {
    "`tool_choice` of one function": tool_choice,
    "the name of a function": name_of_a_function,
    '"twice"': twice,
    '"say what you will do"': message_first,
    '"code"': code,
    '"search"': search,
    '"count" followed by a number': long_answer,
    "a small `max_completion_tokens`": completion_tokens,
    "a `max_prompt_tokens`": prompt_tokens,
    "the model `failing-model`": failing_model,
    "a `response_format`": response_format,
    "none of these": otherwise,
}


def rows() -> list[str]:
    """The rows of the table, without the header."""
    _, _, below = GUIDE.read_text(encoding="utf-8").partition("| the request has | the run |\n| --- | --- |\n")
    return below.partition("\n\n")[0].splitlines()


def words_of(row: str) -> list[str]:
    """The quoted words of the row with this text."""
    (found,) = [one for one in rows() if row in one]
    words = re.findall(r'"([^"]+)"', found)
    assert len(words) >= 3
    return words


def test_each_row_has_a_check() -> None:
    found = rows()
    assert len(found) == len(ROWS)
    assert all(row.startswith(f"| {start}") for row, start in zip(found, ROWS, strict=True))


@pytest.mark.parametrize("check", ROWS.values(), ids=lambda check: check.__name__)
def test_row(check: Callable[[], None]) -> None:
    check()
