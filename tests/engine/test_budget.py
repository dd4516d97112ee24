from __future__ import annotations

import pytest

from runs_conformance.engine.budget import (
    MAX_CONSECUTIVE_RETRY_LATER,
    MAX_CONSECUTIVE_SERVER_ERRORS,
    MAX_CONSECUTIVE_UNUSABLE,
    Budget,
)
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.exchange import Completion, Exchange, Request, Response


def exchange_with(status: int) -> Exchange:
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


def test_repeated_retry_later_responses_exhaust_the_budget() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_RETRY_LATER - 1):
        budget.count(exchange_with(429))
    budget.check()
    budget.count(exchange_with(503))
    with pytest.raises(BudgetExhausted, match="--rate-limit"):
        budget.check()


def test_one_successful_response_resets_the_count() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_RETRY_LATER):
        budget.count(exchange_with(429))
        budget.count(exchange_with(200))
    budget.check()


def test_repeated_redirects_exhaust_the_budget() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_UNUSABLE - 1):
        budget.count(exchange_with(307))
    budget.check()
    budget.count(exchange_with(302))
    with pytest.raises(BudgetExhausted, match="unusable"):
        budget.check()


def test_repeated_server_errors_exhaust_the_budget() -> None:
    budget = Budget()
    for _ in range(MAX_CONSECUTIVE_SERVER_ERRORS):
        budget.count(exchange_with(500))
    with pytest.raises(BudgetExhausted, match="server errors"):
        budget.check()
