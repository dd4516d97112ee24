"""A test run keeps to the forecast of its plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.forecast import (
    LOCAL_REQUESTS_PERCENT,
    LOCAL_RUNS_PERCENT,
    Forecast,
    Share,
    reserve_share,
    search_share,
    total_share,
)
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.program_end import Ending
from tests.engine.scripted import SETTING, ScriptedSender, accept_everything, make_program

CREATE = Step(operation="create_thread", body={})
RUN = Step(operation="create_run", path={"thread_id": "thread_1"}, body={})


def test_the_total_is_the_shares_the_search_and_the_reserve() -> None:
    plan = Plan((make_program(requests=400, runs=40), make_program(id_="other.program", requests=600)))
    parts = (Share(1_000, 40), search_share(plan), reserve_share(plan))
    assert total_share(plan) == Share(sum(part.requests for part in parts), sum(part.runs for part in parts))
    assert reserve_share(plan) == Share(250, 10)
    assert reserve_share(plan, is_loopback=True) == Share(
        1_000 * LOCAL_REQUESTS_PERCENT // 100, 40 * LOCAL_RUNS_PERCENT // 100
    )
    assert reserve_share(Plan((make_program(requests=4_000, runs=100),)), is_loopback=True) == Share(
        4_000 * LOCAL_REQUESTS_PERCENT // 100, LOCAL_RUNS_PERCENT
    )
    assert reserve_share(Plan((make_program(requests=10),))).runs == 0


def test_a_program_that_exceeds_its_share_and_the_reserve_ends() -> None:
    greedy = make_program(*[CREATE] * 500, requests=10)
    modest = make_program(*[CREATE] * 10, id_="modest.program", requests=10)
    budget = Budget(forecast=Forecast(Plan((greedy, modest))))
    target = ScriptedSender(accept_everything, budget)
    end = run_program(greedy, SETTING, target, budget, PollSchedule()).end
    assert end.ending is Ending.STOPPED
    assert "requests is used up (--max-requests sets another limit)" in end.cause
    assert not run_program(modest, SETTING, target, budget, PollSchedule()).end.is_early
    assert budget.counts.requests <= total_share(Plan((greedy, modest))).requests


def test_a_program_that_starts_too_many_runs_ends() -> None:
    program = make_program(*[RUN] * 50, requests=60, runs=2)
    budget = Budget(forecast=Forecast(Plan((program,))))
    target = ScriptedSender(accept_everything, budget)
    end = run_program(program, SETTING, target, budget, PollSchedule()).end
    assert "runs is used up (--max-runs sets another limit)" in end.cause
    assert budget.counts.runs_started == total_share(Plan((program,))).runs


def test_the_rest_of_a_program_goes_on_without_further_runs() -> None:
    refused = replace(RUN, role=Role.NEGATIVE)
    program = make_program(*[RUN] * 50, CREATE, refused, requests=60, runs=2)
    budget = Budget(forecast=Forecast(Plan((program,)), follow_up={"confirming": Share(20, 20)}))
    target = ScriptedSender(lambda step: (400, {}) if step.role is Role.NEGATIVE else accept_everything(step), budget)
    end = run_program(program, SETTING, target, budget, PollSchedule()).end
    assert end.ending is Ending.STOPPED
    assert [step.operation for step in target.sent[-2:]] == ["create_thread", "create_run"]
    assert len(target.sent) < 20


def test_a_program_that_needs_a_run_that_was_not_started_says_why() -> None:
    last_run = replace(RUN, name="run")
    read = Step(operation="get_run", path={"thread_id": "thread_1", "run_id": Ref("run")})
    program = make_program(*[RUN] * 50, last_run, read, requests=60, runs=2)
    budget = Budget(forecast=Forecast(Plan((program,))))
    result = run_program(program, SETTING, ScriptedSender(accept_everything, budget), budget, PollSchedule())
    assert result.forecast_used_up
    assert "runs is used up" in result.end.cause


def test_refused_runs_use_nothing_up() -> None:
    program = make_program(*[RUN] * 50, requests=60, runs=2)
    budget = Budget(forecast=Forecast(Plan((program,))))
    target = ScriptedSender(lambda step: (400, {}), budget)
    assert not run_program(program, SETTING, target, budget, PollSchedule()).end.is_early


def test_an_ended_program_leaves_the_rest_of_its_share_to_others() -> None:
    thrifty = make_program(id_="thrifty.program", requests=300)
    greedy = make_program(*[CREATE] * 200, requests=10)
    budget = Budget(forecast=Forecast(Plan((thrifty, greedy))))
    assert budget.forecast is not None
    budget.forecast.release("thrifty.program")
    assert not run_program(
        greedy, SETTING, ScriptedSender(accept_everything, budget), budget, PollSchedule()
    ).end.is_early


@pytest.mark.parametrize("has_begun", [False, True])
def test_what_is_set_aside_is_for_what_follows_the_programs(has_begun: bool) -> None:
    greedy = make_program(*[CREATE] * 500, requests=10)
    confirmation = make_program(*[CREATE] * 50, *[RUN] * 4, id_="shrink.confirm.1")
    budget = Budget(forecast=Forecast(Plan((greedy,)), follow_up={"confirming": Share(60, 6)}))
    target = ScriptedSender(accept_everything, budget)
    assert run_program(greedy, SETTING, target, budget, PollSchedule()).forecast_used_up
    assert budget.forecast is not None
    if has_begun:
        budget.forecast.begin_follow_up()
    result = run_program(confirmation, SETTING, target, budget, PollSchedule())
    assert result.forecast_used_up is not has_begun
    assert budget.counts.requests <= budget.forecast.total.requests


def test_a_limit_of_the_user_replaces_the_forecast() -> None:
    program = make_program(*[RUN] * 200, requests=5, runs=1)
    budget = Budget(500, 500, forecast=Forecast(Plan((program,)), limits_requests=False, limits_runs=False))
    target = ScriptedSender(accept_everything, budget)
    assert not run_program(program, SETTING, target, budget, PollSchedule()).end.is_early
    assert budget.request_limit == (500, "the limit of 500 requests is reached")
