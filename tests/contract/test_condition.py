"""Conditions agree with a general validator."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.condition import compile_condition
from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.schema import compile_schema
from runs_conformance.errors import InternalError

_ANNOTATIONS = ("reason", "source", "always")
_VALUES: list[Any] = [
    None, True, 0, 1, 2.5, -1, "", "x", "gpt-4", "o1-mini", "x" * 1025, [], [1], [{"type": "function"}],
    [{"type": "code_interpreter"}], {}, {"type": "function"}, {"type": "json_object"}, {"role": "user"},
]  # fmt: skip
_MEMBERS = ("model", "temperature", "top_p", "tools", "tool_choice", "response_format", "type", "function", "strict",
            "parameters", "last_messages", "file_id")  # fmt: skip


def implementation_defined_entries(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        for entry in schema.get("x-implementation-defined", ()):
            yield {key: value for key, value in entry.items() if key not in _ANNOTATIONS}
        for value in schema.values():
            yield from implementation_defined_entries(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from implementation_defined_entries(item)


def test_every_entry_of_the_contract_agrees_with_jsonschema() -> None:
    random = Random(0)
    objects = [{name: random.choice(_VALUES) for name in random.sample(_MEMBERS, 5)} for _ in range(60)]
    entries = [
        entry
        for operation, name in body_documents().items()
        for entry in implementation_defined_entries(compile_schema(name, operation))
    ]
    assert len(entries) > 40
    for entry in entries:
        ours, theirs = compile_condition(entry), Draft202012Validator(entry)
        for value in (*_VALUES, *objects):
            assert ours(value) == theirs.is_valid(value), (entry, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"choice": {"name": "f"}, "tools": [{"name": "g"}, {"name": "f"}]}, True),
        ({"choice": {"name": "f"}, "tools": [{"name": "g"}, {}, "f"]}, False),
        ({"choice": {"name": "f"}, "tools": []}, False),
        ({"choice": {"name": "f"}, "tools": {"name": "f"}}, False),
        ({"choice": {"name": "f"}}, False),
        ({"choice": {"name": None}, "tools": [{"name": None}]}, True),
        ({"choice": "f"}, True),
        ("f", True),
    ],
)
def test_a_value_is_listed_at_another_place(value: Any, expected: bool) -> None:
    assert compile_condition({"x-listed": {"/choice/name": "/tools/*/name"}})(value) == expected


def test_an_unsupported_keyword_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match="uniqueItems"):
        compile_condition({"uniqueItems": True})
