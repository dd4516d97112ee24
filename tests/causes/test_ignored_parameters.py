"""Invalid values of parameters that lists ignore."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.verdict import Verdict
from tests.causes.verdicts import accepted_at, broken_rule, by_kind, refused_verdict, wrong_rule

LIMITS = accepted_at("list_runs.limit.minimum", "list_runs.limit.maximum", "list_runs.order.enum")
NO_LIMIT = wrong_rule("paging.limit_is_kept", "list_runs", "/data", 1, 4)
NO_ORDER = wrong_rule("listing.order_is_kept", "list_runs", "/data", [1], [2])


def test_values_of_a_parameter_that_a_list_ignores_follow_from_that() -> None:
    (cause,) = by_kind(NO_LIMIT, NO_ORDER, *LIMITS).values()
    assert cause.kind == "lists"
    assert cause.title == "list_runs ignores `order` and `limit`"
    assert cause.consequences == tuple(each.id for each in LIMITS)


@pytest.mark.parametrize(
    "others",
    [
        [wrong_rule("paging.limit_is_kept", "list_runs", "/data", 1, 2)],
        [wrong_rule("paging.limit_is_kept", "list_messages", "/data", 1, 4)],
        [replace(NO_LIMIT, judged=9)],
        [NO_LIMIT, refused_verdict("list_runs.limit.type")],
        [broken_rule("paging.pages_are_full", "list_runs")],
    ],
)
def test_values_of_a_parameter_with_an_effect_are_not_validated(others: list[Verdict]) -> None:
    causes = by_kind(*others, *LIMITS[:2])
    assert causes["lists"].consequences == ()
    assert causes["validation.query"].ids == (LIMITS[0].id, LIMITS[1].id)


def test_another_default_order_does_not_tell_that_order_is_ignored() -> None:
    causes = by_kind(broken_rule("listing.newest_come_first_by_default", "list_runs"), LIMITS[2])
    assert set(causes) == {"lists", "validation.query"}
    assert causes["validation.query"].title == "Invalid query parameters are accepted: `order`"
