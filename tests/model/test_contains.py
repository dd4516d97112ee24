"""A value contains another one if it has all its members."""

from __future__ import annotations

import pytest

from runs_conformance.model.json import ABSENT, JSON, Absent, contains


@pytest.mark.parametrize(
    ("value", "subset"),
    [
        ("a", None),
        (ABSENT, None),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([{"type": "function", "strict": False}], [{"type": "function"}]),
        (1.0, 1),
        ("auto", {}),
    ],
)
def test_value_may_add_members(value: JSON | Absent, subset: JSON) -> None:
    assert contains(value, subset)


@pytest.mark.parametrize(
    ("value", "subset"), [(ABSENT, "a"), (ABSENT, {}), ({"b": 2}, {"a": 1}), ([1, 2], [1]), (True, 1), ("b", "a")]
)
def test_value_lacks_members(value: JSON | Absent, subset: JSON) -> None:
    assert not contains(value, subset)
