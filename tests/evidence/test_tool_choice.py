"""Runs are grouped by the tool choice that they were created with."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.tool_choice import ToolChoiceRuns, runs_by_tool_choice
from tests.rules.histories import HistoryBuilder, call, function_tool, page, run, step

FUNCTION = {"type": "function", "function": {"name": "get_weather"}}


def finished(choice: Any, tools: list[Any], *statuses: str, steps: Any = None) -> ToolChoiceRuns:
    """A run with this tool choice and these tools that has the statuses; `steps` is its complete list of steps."""
    builder = HistoryBuilder()
    builder.create_run(body={"assistant_id": "asst_a", "tool_choice": choice})
    for status in statuses:
        builder.get_run(run(status, tools=tools))
    if steps is not None:
        builder.send("list_run_steps", page(*steps))
    (grouped,) = runs_by_tool_choice(builder.history())
    return grouped


def test_runs_are_grouped_by_choice() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    for id_, choice in (("run_b", "none"), ("run_c", "none"), ("run_d", FUNCTION)):
        builder.create_run(run(id_=id_), body={"assistant_id": "asst_a", "tool_choice": choice})
    none, function = runs_by_tool_choice(builder.history())
    assert (none.mode, none.function, len(none.runs)) == ("none", None, 2)
    assert (function.mode, function.function, function.value) == ("function", "get_weather", FUNCTION)


def test_call_is_found_in_the_run_or_its_steps() -> None:
    waiting = finished("required", [function_tool()], "requires_action")
    assert waiting.find_call(waiting.runs[0]) is not None
    builtin = finished("required", [{"type": "file_search"}], "completed", steps=[step(calls=[call()])])
    assert builtin.find_call(builtin.runs[0]) is not None
    without = finished("required", [function_tool()], "completed", steps=[step()])
    assert without.find_call(without.runs[0]) is None


@pytest.mark.parametrize(
    ("choice", "tools", "statuses", "steps", "expected"),
    [
        ("required", [function_tool()], ["completed"], None, True),
        ("none", [function_tool()], ["completed"], None, True),
        (FUNCTION, [function_tool()], ["completed"], None, True),
        ({"type": "file_search"}, [{"type": "file_search"}], ["completed"], [step()], True),
        ({"type": "file_search"}, [{"type": "file_search"}], ["completed"], None, False),
        (FUNCTION, [function_tool("other")], ["completed"], None, False),
        ("required", [], ["completed"], None, False),
        ("required", [function_tool()], ["in_progress"], None, False),
        ("required", [function_tool()], ["failed"], None, False),
        ("required", [function_tool()], ["requires_action", "completed"], None, False),
    ],
)
def test_completed_without_call(choice: Any, tools: list[Any], statuses: list[str], steps: Any, expected: bool) -> None:
    grouped = finished(choice, tools, *statuses, steps=steps)
    assert grouped.completed_without_call(grouped.runs[0]) is expected
