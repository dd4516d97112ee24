"""Assistants are stored as requested: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.rules import assistants
from tests.rules.examples import fails, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, assistant, function_tool, page

GIVEN: dict[str, Any] = {
    "model": "gpt-4o",
    "name": "Ada",
    "description": None,
    "instructions": "Be brief.",
    "tools": [{"type": "function", "function": {"name": "get_weather"}}],
    "temperature": 0.2,
}
SHOWN: dict[str, Any] = {"name": "Ada", "instructions": "Be brief.", "tools": [function_tool()], "temperature": 0.2}


def _created(first: dict[str, Any], later: dict[str, Any] | None = None) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(**{**SHOWN, **first}), body=GIVEN)
    builder.send("get_assistant", assistant(**{**SHOWN, **first}))
    builder.send("list_assistants", page(assistant(**{**SHOWN, **(first if later is None else later)})))
    return builder.history()


@passes(assistants.show_who_they_are, assistants.show_their_settings, assistants.change_only_when_modified)
def test_assistant() -> History:
    return _created({})


@fails(assistants.show_who_they_are, at="/tools", times=1)
def test_assistant_without_its_tools() -> History:
    return _created({"tools": []})


@fails(assistants.show_their_settings, at="/temperature", times=1)
def test_assistant_with_another_temperature() -> History:
    return _created({"temperature": 1.0})


def _sampling(shown: float | None, **requested: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(temperature=shown), body={"model": "gpt-4o", **requested})
    return builder.history()


@fails(assistants.show_their_settings, at="/temperature", times=1)
def test_temperature_that_is_null_and_shown_as_0() -> History:
    return _sampling(0, temperature=None)


@fails(assistants.show_their_settings, at="/temperature", times=1)
def test_temperature_that_is_not_requested_and_shown_as_0() -> History:
    return _sampling(0)


@passes(assistants.show_their_settings)
def test_default_that_is_shown_as_null() -> History:
    return _sampling(None, temperature=None)


@passes(assistants.show_their_settings)
def test_default_that_is_shown_as_1() -> History:
    return _sampling(1.0)


def _resources(shown: list[str]) -> History:
    builder = HistoryBuilder()
    requested = {"code_interpreter": {"file_ids": ["file-a"]}}
    answer = assistant(tool_resources={"code_interpreter": {"file_ids": shown}})
    builder.send("create_assistant", answer, body={"model": "gpt-4o", "tool_resources": requested})
    return builder.history()


@passes(assistants.show_their_tool_resources)
def test_files() -> History:
    return _resources(["file-a"])


@fails(assistants.show_their_tool_resources, at="/tool_resources/code_interpreter/file_ids", times=1)
def test_files_that_are_lost() -> History:
    return _resources([])


@fails(assistants.change_only_when_modified, at="/data/0/name", times=1)
def test_list_that_shows_no_names() -> History:
    return _created({}, {"name": None})


FILES = {"code_interpreter": {"file_ids": ["file-1"]}, "file_search": {"vector_store_ids": []}}


@fails(assistants.change_only_when_modified, at="/data/0/tool_resources", times=1)
def test_list_that_shows_no_files() -> History:
    return _created({"tool_resources": FILES}, {"tool_resources": {}})


@permitted
def test_list_that_leaves_out_a_tool_without_files() -> History:
    return _created({"tool_resources": FILES}, {"tool_resources": {"code_interpreter": {"file_ids": ["file-1"]}}})


@permitted
def test_assistant_that_is_modified() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(**SHOWN), body=GIVEN)
    builder.send("modify_assistant", assistant(**{**SHOWN, "name": "Eve"}), body={"name": "Eve"})
    builder.send("get_assistant", assistant(**{**SHOWN, "name": "Eve"}))
    return builder.history()


def _set_to_null(shown: dict[str, Any], body: dict[str, Any] | None = None) -> History:
    """An assistant whose name and instructions are modified."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(**SHOWN), body=GIVEN)
    given = {"name": None, "instructions": None} if body is None else body
    builder.send("modify_assistant", assistant(**{**SHOWN, **shown}), body=given)
    return builder.history()


@passes(assistants.lose_a_text_that_is_set_to_null)
def test_texts_that_null_removes() -> History:
    return _set_to_null({"name": None, "instructions": ""})


@fails(assistants.lose_a_text_that_is_set_to_null, at="/name", times=2)
def test_texts_that_null_keeps() -> History:
    return _set_to_null({})


@permitted
def test_null_that_keeps_a_text_violates_no_must_rule() -> History:
    return _set_to_null({})


@pytest.mark.parametrize(
    ("shown", "body"),
    [
        ({}, {"temperature": 0.2}),
        ({"name": "Untitled"}, {"name": None}),
        ({}, {"description": None}),
        ({"name": ABSENT}, {"name": None}),
    ],
)
def test_text_that_was_not_kept_by_null(shown: dict[str, Any], body: dict[str, Any]) -> None:
    assert judge(assistants.lose_a_text_that_is_set_to_null, _set_to_null(shown, body)) == []
