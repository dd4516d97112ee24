"""Doubts: what a correct server may refuse although the schema allows it."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.contract.doubt import doubts
from conformance.contract.schema import compiled


def reasons(**members: Any) -> list[str]:
    body = {"assistant_id": "asst_1", **members}
    return [doubt.at for doubt in doubts(compiled("requests/create_run", "create_run"), body)]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"temperature": 2, "model": "gpt-4o"},
        {"truncation_strategy": {"type": "last_messages", "last_messages": 1}},
        {"tool_choice": {"type": "file_search"}, "tools": [{"type": "file_search"}]},
        {"reasoning_effort": None},
        {"instructions": "x" * 256_000},
    ],
)
def test_what_nothing_is_known_against_must_be_accepted(members: dict[str, Any]) -> None:
    assert reasons(**members) == []


@pytest.mark.parametrize(
    ("members", "at"),
    [
        ({"temperature": 1, "model": "o3-mini"}, "create_run"),
        ({"truncation_strategy": {"type": "last_messages"}}, "create_run.truncation_strategy"),
        ({"tool_choice": {"type": "file_search"}}, "create_run"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "create_run.tool_choice.function.name"),
        ({"reasoning_effort": "low"}, "create_run.reasoning_effort"),
        ({"parallel_tool_calls": None}, "create_run.parallel_tool_calls"),
        ({"additional_messages": [{"role": "user", "content": ""}]}, "create_run.additional_messages[].content"),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": "x" * 1025}}]},
         "create_run.tools[].function.description"),
    ],
)  # fmt: skip
def test_what_the_record_leaves_open_is_doubtful(members: dict[str, Any], at: str) -> None:
    assert reasons(**members) == [at]
