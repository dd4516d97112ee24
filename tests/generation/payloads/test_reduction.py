"""Reduction ends at something of which nothing can be left out."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from runs_conformance.generation.payloads.shrink_value import fewer, simpler
from runs_conformance.model.json import JSON, is_array, is_object


def driven(reducing: Generator[Any, bool, Any], still: Callable[[Any], bool]) -> tuple[Any, int]:
    """What a reduction comes to, and how often it asked."""
    asked = 0
    try:
        candidate = next(reducing)
        while True:
            asked += 1
            candidate = reducing.send(still(candidate))
    except StopIteration as stop:
        return stop.value, asked


@pytest.mark.parametrize("wanted", [set(), {3}, {0, 19}, {4, 5, 6}, set(range(20))])
def test_fewer_keeps_what_is_needed(wanted: set[int]) -> None:
    found, asked = driven(fewer(list(range(20))), lambda items: wanted <= set(items))
    assert set(found) == wanted
    assert asked <= 90


def test_simpler_keeps_what_is_needed() -> None:
    body: JSON = {
        "assistant_id": "a",
        "metadata": {f"ключ {n}": "значение" if n != 7 else "" for n in range(16)},
        "tools": [{"type": "function", "function": {"name": f"f{n}", "strict": True}} for n in range(20)],
        "temperature": 1.37,
    }

    def still(value: JSON) -> bool:
        pairs = value.get("metadata") if is_object(value) else None
        return is_object(pairs) and len(pairs) == 16 and "" in pairs.values()

    found, asked = driven(simpler(body, lambda candidate: is_object(candidate) and "assistant_id" in candidate), still)
    assert set(found) == {"assistant_id", "metadata"}
    assert sorted(set(found["metadata"].values())) == ["", "x"]
    assert len(found["metadata"]) == 16
    assert asked < 120


def test_texts_become_as_short_as_they_can_be() -> None:
    found, _ = driven(simpler({"a": "é" * 512}, is_object), lambda value: len(value.get("a", "")) >= 300)
    assert found == {"a": "x" * 300}


def test_items_of_a_list_are_left_out() -> None:
    body: JSON = {
        "tools": [{"type": "code_interpreter"}, {"type": "function", "strict": True}, {"type": "file_search"}]
    }

    def still(value: JSON) -> bool:
        tools = value.get("tools") if is_object(value) else None
        return is_array(tools) and any(is_object(tool) and tool.get("strict") is True for tool in tools)

    found, _ = driven(simpler(body, is_object), still)
    assert found == {"tools": [{"strict": True}]}


def test_only_what_is_allowed_is_asked() -> None:
    asked: list[JSON] = []

    def still(value: JSON) -> bool:
        asked.append(value)
        return True

    driven(simpler({"a": 1, "b": 2, "c": "text"}, lambda value: is_object(value) and "a" in value), still)
    assert all(is_object(value) and "a" in value for value in asked)
