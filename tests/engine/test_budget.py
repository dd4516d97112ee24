"""A test run ends once the target stops giving useful responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.target_health import (
    MAX_AVERAGE_BYTES,
    MAX_CONSECUTIVE_FAILED,
    MAX_CONSECUTIVE_RETRY_LATER,
    MAX_CONSECUTIVE_SERVER_ERRORS,
    MAX_CONSECUTIVE_UNUSABLE,
    MAX_LARGE_BYTES,
    MIN_UNANSWERED_AT_END,
)
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from tests.clock import SleepClock


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


def test_invalid_requests_answered_with_server_errors_do_not() -> None:
    budget = Budget()
    for _ in range(2 * MAX_CONSECUTIVE_SERVER_ERRORS):
        negative = Step(operation="create_assistant", role=Role.NEGATIVE)
        budget.count(replace(exchange_with(500), operation="create_assistant", step=negative))
    budget.check()


def denied(operation: str, status: int = 401, key: Key = Key.PRIMARY) -> Exchange:
    return replace(exchange_with(status), operation=operation, step=Step(operation=operation, key=key))


def test_a_key_that_is_no_longer_accepted_exhausts_the_budget() -> None:
    budget = Budget()
    for _ in range(8):
        for operation in ("get_run", "create_run", "list_messages"):
            budget.check()
            budget.count(denied(operation))
            budget.count(denied(operation, 401, Key.NONE))
    with pytest.raises(BudgetExhausted, match="no longer accepts the API key: 24 requests"):
        budget.check()


def test_a_forbidden_operation_and_wrong_keys_do_not_exhaust_the_budget() -> None:
    budget = Budget()
    for number in range(100):
        budget.count(denied("create_message", 403))
        budget.count(denied(("get_run", "create_run", "list_messages")[number % 3], 401, Key.WRONG))
    budget.check()


def test_sleep_ends_with_the_time_of_the_test_run() -> None:
    clock = SleepClock()
    budget = Budget(max_seconds=10.0, now=clock.now)
    clock.time += 11
    budget.sleep(100.0)
    assert budget.time_is_up
    assert budget.is_over


def test_runs_that_never_end_leave_requests() -> None:
    budget = Budget()
    for _ in range(20):
        budget.count_stuck_run("queued")
    assert budget.allows_requests


def test_long_status_of_runs_that_never_end_is_cut() -> None:
    budget = Budget()
    for _ in range(20):
        budget.count_stuck_run("s" * 100_000)
    assert 0 < len(budget.stuck_runs_problem or "") < 400


def test_a_target_that_does_not_respond_leaves_no_requests() -> None:
    budget = Budget()
    unanswered = replace(exchange_with(200), response=None, completion=Completion.NOT_CONNECTED)
    for _ in range(MIN_UNANSWERED_AT_END):
        budget.count(unanswered)
    assert not budget.allows_requests


def test_a_limit_that_is_reached_leaves_no_requests() -> None:
    assert not Budget(max_requests=0).allows_requests


def test_large_responses_exhaust_the_budget_if_most_are_large() -> None:
    budget = Budget()
    budget.count_large_response(MAX_LARGE_BYTES)
    budget.check()
    budget.count_large_response(1)
    with pytest.raises(BudgetExhausted, match="too large"):
        budget.check()
    budget.counts.requests = 2 * MAX_LARGE_BYTES // MAX_AVERAGE_BYTES
    budget.check()


def test_failures_of_changing_kinds_exhaust_the_budget() -> None:
    budget = Budget()
    step = Step(operation="get_run", role=Role.READ)
    for number in range(2 * MAX_CONSECUTIVE_FAILED):
        operation = ("get_run", "list_runs", "create_run")[number % 3]
        budget.count(replace(exchange_with((401, 500, 307, 429, 404)[number % 5]), step=step, operation=operation))
    with pytest.raises(BudgetExhausted, match="none was accepted"):
        budget.check()
    budget.count(replace(exchange_with(200), step=step))
    budget.check()


def _shows_run(status: str, tokens: int, run: str = "run_1") -> Exchange:
    body: dict[str, Any] = {"id": run, "object": "thread.run", "status": status, "usage": {"total_tokens": tokens}}
    return replace(exchange_with(200), response=Response(200, body=body))


def test_tokens_are_the_largest_totals_that_the_runs_showed() -> None:
    budget = Budget()
    budget.count(_shows_run("queued", 0))
    assert budget.counts.tokens is None
    for status, tokens in (("in_progress", 40), ("completed", 90), ("completed", 0), ("completed", 90)):
        budget.count(_shows_run(status, tokens))
    budget.count(_shows_run("completed", 10, "run_2"))
    assert budget.counts.tokens == 100


def test_tokens_of_a_run_that_ended_without_any_are_known() -> None:
    budget = Budget()
    budget.count(_shows_run("completed", 0))
    assert budget.counts.tokens == 0


def attempt_at(started: float, status: int = 429, number: int = 1, path: str = "/a", **headers: str) -> Exchange:
    return replace(
        exchange_with(status),
        request=Request("GET", path),
        response=Response(status, {name.replace("_", "-"): value for name, value in headers.items()}),
        started=started,
        ended=started + 0.5,
        attempt=number,
    )


def test_refusals_for_the_rate_are_counted_with_the_time_that_any_of_them_waited() -> None:
    budget = Budget()
    for exchange in (
        attempt_at(0),  # waits from 0.5 to 2
        attempt_at(0.25, path="/b"),  # waits from 0.75 to 2.5
        attempt_at(1, 503, path="/c"),  # asks for no delay
        attempt_at(1, 503, path="/d", retry_after="1"),  # is never sent again
        attempt_at(2, 200, 2),
        attempt_at(2.5, 200, 2, path="/b"),
        attempt_at(10),
        attempt_at(11, 200),  # is another request, since this is its first attempt
        attempt_at(12, 200, 2),  # waits from 10.5 to 12
    ):
        budget.count(exchange)
    assert (budget.counts.rate_limited, budget.counts.rate_limit_seconds) == (4, 3.5)
