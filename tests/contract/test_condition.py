"""Conditions say what a general validator says."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.condition import holds
from runs_conformance.contract.constraint import request_bodies
from runs_conformance.contract.schema import compiled
from runs_conformance.errors import SuiteFault

_REMARKS = ("reason", "source", "always")
_VALUES: list[Any] = [
    None, True, 0, 1, 2.5, -1, "", "x", "gpt-4", "o1-mini", "x" * 1025, [], [1], [{"type": "function"}],
    [{"type": "code_interpreter"}], {}, {"type": "function"}, {"type": "json_object"}, {"role": "user"},
]  # fmt: skip
_MEMBERS = ("model", "temperature", "top_p", "tools", "tool_choice", "response_format", "type", "function", "strict",
            "parameters", "last_messages", "file_id")  # fmt: skip


def entries(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        for entry in schema.get("x-either", ()):
            yield {key: value for key, value in entry.items() if key not in _REMARKS}
        for value in schema.values():
            yield from entries(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from entries(item)


def test_agrees_with_jsonschema_on_every_entry_of_the_contract() -> None:
    random = Random(0)
    objects = [{name: random.choice(_VALUES) for name in random.sample(_MEMBERS, 5)} for _ in range(60)]
    stated = [entry for operation, name in request_bodies().items() for entry in entries(compiled(name, operation))]
    assert len(stated) > 40
    for entry in stated:
        ours, theirs = holds(entry), Draft202012Validator(entry)
        for value in (*_VALUES, *objects):
            assert ours(value) == theirs.is_valid(value), (entry, value)


def test_a_keyword_that_nothing_tests_is_our_fault() -> None:
    with pytest.raises(SuiteFault, match="uniqueItems"):
        holds({"uniqueItems": True})
