"""Doubts: what a correct server may refuse although the schema allows it."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.contract.constraint import keywords_within
from runs_conformance.contract.implementation_defined import doubted_within, doubts
from runs_conformance.contract.schema import Schema, compiled


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


def around(constraint: str, operation: str = "create_run") -> tuple[Schema, ...]:
    found = [
        way for id_, _, _, _, way in keywords_within(compiled(f"requests/{operation}", operation)) if id_ == constraint
    ]
    assert found, constraint
    return found[0]


@pytest.mark.parametrize(
    ("operation", "constraint"),
    [
        # An address has to be there, and whether it is taken depends on what is found at it.
        ("create_message", "create_message.content[].image_url.detail.enum"),
        # No tool resources are sure to be taken when a run is created.
        ("create_thread_and_run", "create_thread_and_run.tool_resources.file_search.vector_store_ids.maxItems"),
    ],
)
def test_what_lies_in_something_doubtful_is_doubtful(operation: str, constraint: str) -> None:
    assert doubted_within(around(constraint, operation))


@pytest.mark.parametrize(
    ("operation", "constraint"),
    [
        ("create_run", "create_run.model.type"),
        ("create_run", "create_run.tools[].function.name.maxLength"),
        ("create_message", "create_message.content[].image_file.detail.enum"),
        ("create_message", "create_message.content[].text.type"),
        ("create_thread", "create_thread.tool_resources.file_search.vector_store_ids.maxItems"),
    ],
)
def test_a_doubt_about_some_values_leaves_the_others_certain(operation: str, constraint: str) -> None:
    assert not doubted_within(around(constraint, operation))
