"""JSON values are compared and addressed as the standards say."""

import pytest

from runs_conformance.model.json import (
    ABSENT,
    at,
    is_blank,
    is_integer,
    json_equal,
    json_pointer,
    pointer_tokens,
    spell_pointer,
)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", {"a": [{"b/c": 1}], "~": None}),
        ("/a/0/b~1c", 1),
        ("/~0", None),
        ("/a/1", ABSENT),
        ("/a/x", ABSENT),
        ("/a/0/b~1c/deeper", ABSENT),
        ("/missing", ABSENT),
    ],
)
def test_pointer_is_resolved(pointer: str, expected: object) -> None:
    assert at({"a": [{"b/c": 1}], "~": None}, pointer) == expected


def test_pointer_round_trip() -> None:
    tokens = ["a/b", "~", "", "0"]
    assert pointer_tokens(json_pointer(*tokens)) == tokens


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": 1, "b": [1, 2]}, {"b": [1.0, 2], "a": 1}, True),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({"a": None}, {}, False),
        (None, False, False),
        ("1", 1, False),
    ],
)
def test_json_equality(left: object, right: object, equal: bool) -> None:
    assert json_equal(left, right) is equal
    assert json_equal(right, left) is equal


@pytest.mark.parametrize(
    ("value", "integer"), [(1, True), (1.0, True), (1.5, False), (True, False), ("1", False), (float("inf"), False)]
)
def test_integers_in_the_sense_of_json_schema(value: object, integer: bool) -> None:
    assert is_integer(value) is integer


@pytest.mark.parametrize(
    ("pointer", "spelled"),
    [("", ""), ("/a", "a"), ("/tool_outputs/0/output", "tool_outputs[0].output"), ("/a~1b", "a/b")],
)
def test_pointer_is_spelled_with_dots(pointer: str, spelled: str) -> None:
    assert spell_pointer(pointer) == spelled


@pytest.mark.parametrize(("value", "blank"), [(ABSENT, True), (None, True), ("", True), ("a", False), (0, False)])
def test_blank_values(value: object, blank: bool) -> None:
    assert is_blank(value) is blank  # type: ignore[arg-type]
