from __future__ import annotations

import pytest

from runs_conformance.engine.budget import MAX_CONSECUTIVE_RETRY_LATER, MAX_CONSECUTIVE_UNUSABLE, Budget
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.exchange import Completion, Exchange, Request, Response


def answered(status: int) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation="get_run",
        request=Request("GET", "/"),
        response=Response(status),
        completion=Completion.ANSWERED,
        started=0,
        ended=1,
    )


def test_a_target_that_always_says_later_ends_the_run() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_RETRY_LATER - 1):
        budget.count(answered(429))
    budget.check()
    budget.count(answered(503))
    with pytest.raises(BudgetExhausted, match="--rate-limit"):
        budget.check()


def test_one_answer_in_between_is_enough() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_RETRY_LATER):
        budget.count(answered(429))
        budget.count(answered(200))
    budget.check()


def test_a_target_that_only_redirects_any_more_ends_the_run() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_UNUSABLE - 1):
        budget.count(answered(307))
    budget.check()
    budget.count(answered(302))
    with pytest.raises(BudgetExhausted, match="unusable"):
        budget.check()


def test_a_target_that_only_fails_any_more_ends_the_run() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_RETRY_LATER):
        budget.count(answered(500))
    with pytest.raises(BudgetExhausted, match="server errors"):
        budget.check()
