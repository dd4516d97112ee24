"""The second validator looks at a bounded number of errors."""

from __future__ import annotations

import pytest

from runs_conformance.contract.second_opinion import MAX_ERRORS, confirms_violation, independent_errors
from runs_conformance.model.json import JSON

UNNAMED: JSON = {"role": "user", "content": [{"type": "text", "text": "x"}], "unknown": 1}


@pytest.mark.parametrize("count", [3, MAX_ERRORS + 7])
def test_violations_are_confirmed_where_they_are(count: int) -> None:
    body: JSON = {"role": "user", "content": [5] * count}
    errors = independent_errors("requests/create_message", "create_message", body)
    assert sum(len(error.violations) for error in errors) == min(count, MAX_ERRORS)
    assert confirms_violation("create_message.content[].type", "/content/2", errors)


def test_nothing_else_is_confirmed_by_few_errors() -> None:
    errors = independent_errors("requests/create_message", "create_message", UNNAMED)
    assert confirms_violation("create_message.additionalProperties", "/unknown", errors)
    assert not confirms_violation("create_message.role.enum", "/role", errors)


def test_an_error_about_many_members_confirms_each_of_them() -> None:
    body: JSON = {"role": "user", "content": "x", **{f"member_{n}": n for n in range(MAX_ERRORS + 9)}}
    errors = independent_errors("requests/create_message", "create_message", body)
    assert all(len(error.violations) <= MAX_ERRORS for error in errors)
    assert confirms_violation("create_message.additionalProperties", f"/member_{MAX_ERRORS + 8}", errors)
