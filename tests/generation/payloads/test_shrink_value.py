"""Shrinking ends with a value that no further removal can shrink."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from runs_conformance.generation.payloads.shrink_value import ddmin, simplify
from runs_conformance.model.json import JSON, is_array, is_object


def shrink(shrinking: Generator[Any, bool, Any], has_property: Callable[[Any], bool]) -> tuple[Any, int]:
    """The result of shrinking, and the number of candidates."""
    candidates = 0
    try:
        candidate = next(shrinking)
        while True:
            candidates += 1
            candidate = shrinking.send(has_property(candidate))
    except StopIteration as stop:
        return stop.value, candidates


@pytest.mark.parametrize("needed", [set(), {3}, {0, 19}, {4, 5, 6}, set(range(20))])
def test_ddmin_keeps_the_needed_items(needed: set[int]) -> None:
    result, candidates = shrink(ddmin(list(range(20))), lambda items: needed <= set(items))
    assert set(result) == needed
    assert candidates <= 90


def test_simplify_keeps_the_needed_members() -> None:
    body: JSON = {
        "assistant_id": "a",
        "metadata": {f"ключ {n}": "значение" if n != 7 else "" for n in range(16)},
        "tools": [{"type": "function", "function": {"name": f"f{n}", "strict": True}} for n in range(20)],
        "temperature": 1.37,
    }

    def has_property(value: JSON) -> bool:
        pairs = value.get("metadata") if is_object(value) else None
        return is_object(pairs) and len(pairs) == 16 and "" in pairs.values()

    result, candidates = shrink(
        simplify(body, lambda candidate: is_object(candidate) and "assistant_id" in candidate), has_property
    )
    assert set(result) == {"assistant_id", "metadata"}
    assert sorted(set(result["metadata"].values())) == ["", "x"]
    assert len(result["metadata"]) == 16
    assert candidates < 120


def test_texts_are_shortened_to_the_limit() -> None:
    result, _ = shrink(simplify({"a": "é" * 512}, is_object), lambda value: len(value.get("a", "")) >= 300)
    assert result == {"a": "x" * 300}


def test_items_of_a_list_are_removed() -> None:
    body: JSON = {
        "tools": [{"type": "code_interpreter"}, {"type": "function", "strict": True}, {"type": "file_search"}]
    }

    def has_property(value: JSON) -> bool:
        tools = value.get("tools") if is_object(value) else None
        return is_array(tools) and any(is_object(tool) and tool.get("strict") is True for tool in tools)

    result, _ = shrink(simplify(body, is_object), has_property)
    assert result == {"tools": [{"strict": True}]}


def test_only_allowed_values_are_candidates() -> None:
    candidates: list[JSON] = []

    def has_property(value: JSON) -> bool:
        candidates.append(value)
        return True

    shrink(simplify({"a": 1, "b": 2, "c": "text"}, lambda value: is_object(value) and "a" in value), has_property)
    assert all(is_object(value) and "a" in value for value in candidates)
