from __future__ import annotations

import pytest

from runs_conformance.model.json import ABSENT, JSON, Absent, contains


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ("a", None),
        (ABSENT, None),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([{"type": "function", "strict": False}], [{"type": "function"}]),
        (1.0, 1),
        ("auto", {}),
    ],
)
def test_what_may_be_filled_in(shown: JSON | Absent, given: JSON) -> None:
    assert contains(shown, given)


@pytest.mark.parametrize(
    ("shown", "given"), [(ABSENT, "a"), (ABSENT, {}), ({"b": 2}, {"a": 1}), ([1, 2], [1]), (True, 1), ("b", "a")]
)
def test_what_was_given_and_is_not_shown(shown: JSON | Absent, given: JSON) -> None:
    assert not contains(shown, given)
