"""Implementation-defined values: a correct server may refuse them although the schema allows them."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.contract.constraint import constraints_with_ancestors
from runs_conformance.contract.implementation_defined import implementation_defined, is_implementation_defined_within
from runs_conformance.contract.schema import Schema, compile_schema


def implementation_defined_places(**members: Any) -> list[str]:
    body = {"assistant_id": "asst_1", **members}
    return [each.at for each in implementation_defined(compile_schema("requests/create_run", "create_run"), body)]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"temperature": 2, "model": "gpt-4o"},
        {"truncation_strategy": {"type": "last_messages", "last_messages": 1}},
        {"tool_choice": {"type": "file_search"}, "tools": [{"type": "file_search"}]},
        {"tool_choice": {"type": "function", "function": {"name": "f"}},
         "tools": [{"type": "file_search"}, {"type": "function", "function": {"name": "f"}}]},
        {"reasoning_effort": None},
        {"instructions": "x" * 256_000},
    ],
)  # fmt: skip
def test_values_without_an_entry_must_be_accepted(members: dict[str, Any]) -> None:
    assert implementation_defined_places(**members) == []


@pytest.mark.parametrize(
    ("members", "at"),
    [
        ({"temperature": 1, "model": "o3-mini"}, "create_run"),
        ({"truncation_strategy": {"type": "last_messages"}}, "create_run.truncation_strategy"),
        ({"tool_choice": {"type": "file_search"}}, "create_run"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "create_run"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}, "tools": [{"type": "file_search"}]},
         "create_run"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}},
          "tools": [{"type": "function", "function": {"name": "g"}}]}, "create_run"),
        ({"reasoning_effort": "low"}, "create_run.reasoning_effort"),
        ({"parallel_tool_calls": None}, "create_run.parallel_tool_calls"),
        ({"additional_messages": [{"role": "user", "content": ""}]}, "create_run.additional_messages[].content"),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": "x" * 1025}}]},
         "create_run.tools[].function.description"),
    ],
)  # fmt: skip
def test_values_with_an_entry_are_implementation_defined(members: dict[str, Any], at: str) -> None:
    assert implementation_defined_places(**members) == [at]


def ancestors_of(constraint: str, operation: str = "create_run") -> tuple[Schema, ...]:
    matches = [
        ancestors
        for id_, _, _, _, ancestors in constraints_with_ancestors(compile_schema(f"requests/{operation}", operation))
        if id_ == constraint
    ]
    assert matches, constraint
    return matches[0]


@pytest.mark.parametrize(
    ("operation", "constraint"),
    [
        # The address is required, and the server may refuse it for the content that it fetches there.
        ("create_message", "create_message.content[].image_url.detail.enum"),
        # A server may refuse any tool resources in the creation of a run.
        ("create_thread_and_run", "create_thread_and_run.tool_resources.file_search.vector_store_ids.maxItems"),
    ],
)
def test_places_within_an_implementation_defined_place_are_implementation_defined(
    operation: str, constraint: str
) -> None:
    assert is_implementation_defined_within(ancestors_of(constraint, operation))


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
def test_an_entry_about_some_values_does_not_affect_the_others(operation: str, constraint: str) -> None:
    assert not is_implementation_defined_within(ancestors_of(constraint, operation))
