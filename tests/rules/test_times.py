"""Timestamps fit the order of events: the rules on this, on literal histories."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import PASSED, Suspicion
from runs_conformance.rules import lifecycle
from runs_conformance.rules.times import form_and_order, run_end, run_start_and_expiry
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import T0, HistoryBuilder, message, run, step, thread


def _looks(*answers: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    for place, answer in enumerate(answers):
        builder.get_run(answer) if place else builder.create_run(answer)
    return builder.history()


@passes(
    form_and_order.are_unix_seconds,
    form_and_order.are_written_as_integers,
    form_and_order.are_in_order,
    run_end.completed_run_has_completed_at,
    run_end.unfinished_run_has_no_end,
    run_end.completed_run_has_no_other_end,
    run_start_and_expiry.working_run_has_started_at,
    run_start_and_expiry.queued_run_has_not_started,
    run_start_and_expiry.start_moves_only_when_resumed,
    run_end.stamps_of_an_ended_run_stay,
    run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation,
    run_start_and_expiry.expiry_never_moves,
    run_start_and_expiry.ended_run_has_no_expiry,
)
def test_run_that_completes() -> History:
    return _looks(run("queued"), run("in_progress"), run("completed"), run("completed"))


@passes(run_end.cancelling_run_has_no_end, run_end.cancelled_run_has_cancelled_at, run_end.ended_run_has_one_end)
def test_run_that_is_cancelled() -> History:
    return _looks(run("queued"), run("cancelling"), run("cancelled"))


@passes(run_end.failed_run_has_failed_at, run_end.ended_run_has_one_end)
def test_run_that_fails() -> History:
    return _looks(run("queued"), run("failed"))


@fails(form_and_order.are_unix_seconds, at="/created_at", times=1)
def test_milliseconds() -> History:
    return _looks(run(created_at=T0 * 1000))


@fails(form_and_order.are_unix_seconds, at="/data/0/created_at", times=1)
def test_date_in_a_list() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", {"data": [message(created_at="2025-10-30T12:06:40Z")]})
    return builder.history()


@fails(form_and_order.are_unix_seconds, at="/completed_at", times=1)
def test_fraction_of_a_second() -> History:
    return _looks(run("completed", completed_at=T0 + 0.25))


@fails(form_and_order.are_written_as_integers, at="/completed_at", times=1)
def test_whole_seconds_with_a_decimal_point() -> History:
    return _looks(run("completed", completed_at=float(T0)))


@fails(form_and_order.are_unix_seconds, at="/created_at", times=1)
def test_seconds_since_the_server_started() -> History:
    return _looks(run(created_at=17, expires_at=None))


@fails(form_and_order.are_in_order, at="/started_at")
def test_run_that_starts_before_it_is_created() -> History:
    return _looks(run("in_progress", started_at=T0 - 1))


@passes(form_and_order.are_in_order)
def test_fraction_of_a_second_does_not_change_the_order() -> History:
    return _looks(run("completed", started_at=T0 + 3.7, completed_at=T0 + 3))


@fails(form_and_order.are_in_order, at="/completed_at")
def test_step_that_ends_before_it_is_created() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step(completed_at=T0))
    return builder.history()


@fails(run_end.completed_run_has_completed_at, at="/completed_at")
def test_completed_without_time() -> History:
    return _looks(run("completed", completed_at=None))


@fails(run_end.failed_run_has_failed_at, at="/failed_at")
def test_failed_without_time() -> History:
    return _looks(run("failed", failed_at=None))


@fails(run_end.cancelled_run_has_cancelled_at, at="/cancelled_at")
def test_cancelled_without_time() -> History:
    return _looks(run("cancelled", cancelled_at=None))


@fails(run_end.unfinished_run_has_no_end, at="/completed_at", times=1)
def test_completed_at_of_a_run_in_progress() -> History:
    return _looks(run("in_progress", completed_at=T0 + 5))


@fails(run_end.cancelling_run_has_no_end, at="/cancelled_at", times=1)
def test_cancelled_at_of_a_run_that_is_being_cancelled() -> History:
    return _looks(run("cancelling", cancelled_at=T0 + 1))


@fails(run_end.completed_run_has_no_other_end, at="/cancelled_at", times=1)
def test_completed_run_that_was_cancelled() -> History:
    return _looks(run("completed", cancelled_at=T0 + 1))


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (run_end.completed_run_has_no_other_end, run("completed", cancelled_at=T0 + 2)),
        (run_end.unfinished_run_has_no_end, run("in_progress", cancelled_at=T0 + 2)),
    ],
)
def test_end_that_a_run_keeps_after_it_was_reopened_prevents_a_pass(rule: AnyRule, shown: dict[str, Any]) -> None:
    history = _looks(run("queued"), run("in_progress"), run("cancelled"), shown)
    results = [result for result in judge(rule, history) if result != PASSED]
    assert results
    assert all(isinstance(result, Suspicion) for result in results)


@fails(run_end.ended_run_has_one_end, at="/completed_at", times=1)
def test_cancelled_run_that_was_completed() -> History:
    return _looks(run("cancelled", completed_at=T0 + 1))


@fails(run_start_and_expiry.working_run_has_started_at, at="/started_at")
def test_working_run_without_started_at() -> History:
    return _looks(run("in_progress", started_at=None))


@fails(run_start_and_expiry.queued_run_has_not_started, at="/started_at")
def test_queued_run_that_started() -> History:
    return _looks(run("queued", started_at=T0))


@inconclusive(run_start_and_expiry.queued_run_has_not_started)
def test_queued_run_without_the_member() -> History:
    return _looks(run("queued", started_at=ABSENT))


@inconclusive(run_start_and_expiry.start_moves_only_when_resumed)
def test_start_of_a_run_that_does_not_stay_ended() -> History:
    return _looks(run("queued"), run("cancelled"), run("in_progress", started_at=T0 + 2))


@fails(run_start_and_expiry.start_moves_only_when_resumed, at="/started_at")
def test_start_computed_at_read_time() -> History:
    return _looks(run("queued"), run("in_progress", started_at=T0), run("in_progress", started_at=T0 + 2))


@fails(run_end.stamps_of_an_ended_run_stay, at="/completed_at")
def test_end_computed_at_read_time() -> History:
    return _looks(run("queued"), run("completed"), run("completed", completed_at=T0 + 9))


@inconclusive(run_end.stamps_of_an_ended_run_stay)
def test_end_of_another_type_in_one_read() -> History:
    shown = run("completed", completed_at=str(T0 + 2), started_at=ABSENT, failed_at=ABSENT, cancelled_at=ABSENT)
    return _looks(run("queued"), run("completed"), shown)


@fails(run_end.stamps_of_an_ended_run_stay, at="/completed_at", times=1)
def test_end_that_changes_between_reads_after_one_of_another_type() -> History:
    return _looks(
        run("queued"),
        run("completed", completed_at=str(T0 + 2)),
        run("completed"),
        run("completed", completed_at=T0 + 9),
    )


@fails(run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation, at="/expires_at")
def test_run_that_expires_in_an_hour() -> History:
    return _looks(run("queued", expires_at=T0 + 3600))


def _text_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@passes(run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation)
def test_times_that_are_texts_are_compared() -> History:
    return _looks(run("queued", created_at=_text_of(T0 + 0.5), expires_at=_text_of(T0 + 600)))


@fails(run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation, at="/expires_at")
def test_time_that_is_a_text_is_an_hour_later() -> History:
    return _looks(run("queued", created_at=_text_of(T0), expires_at=_text_of(T0 + 3600)))


@fails(form_and_order.are_in_order, at="/completed_at")
def test_times_that_are_texts_are_out_of_order() -> History:
    return _looks(run("completed", created_at=_text_of(T0), started_at=None, completed_at=_text_of(T0 - 5)))


@fails(run_start_and_expiry.expiry_never_moves, at="/expires_at")
def test_expiry_postponed_by_each_read() -> History:
    return _looks(run("queued"), run("in_progress", expires_at=T0 + 602))


@fails(run_start_and_expiry.ended_run_has_no_expiry, at="/expires_at")
def test_expiry_of_a_completed_run() -> History:
    return _looks(run("completed", expires_at=T0 + 600))


@permitted
def test_incomplete_and_expired_runs_with_and_without_stamps() -> History:
    return _looks(
        run("incomplete", id_="run_b", completed_at=None),
        run("expired", id_="run_c", completed_at=T0 + 600),
        run("expired", id_="run_d", expires_at=T0 + 600),
    )


@permitted
def test_start_is_set_again_when_outputs_are_submitted() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "requires_action")
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder.send("submit_tool_outputs", run("queued", started_at=T0), body=body)
    builder.get_run(run("in_progress", started_at=T0 + 9))
    builder.get_run(run("completed", started_at=T0 + 9, completed_at=T0 + 9))
    return builder.history()


@permitted
def test_clock_that_is_two_minutes_off_and_floats_for_integers() -> History:
    return _looks(run(created_at=T0 - 120.0, expires_at=T0 + 480.0), run("completed", created_at=T0 - 120))


def _followed_by_another_creation(completed_at: int) -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.get_run(run("completed", completed_at=completed_at))
    builder.send("create_thread", thread("thread_later", created_at=T0 + 9))
    return builder.history()


@passes(form_and_order.what_has_happened_is_not_in_the_future)
def test_end_before_a_later_creation() -> History:
    return _followed_by_another_creation(T0 + 8)


@passes(form_and_order.what_has_happened_is_not_in_the_future)
def test_end_by_a_clock_that_is_a_little_ahead() -> History:
    return _followed_by_another_creation(T0 + 30)


@fails(form_and_order.what_has_happened_is_not_in_the_future, at="/completed_at", times=1)
def test_end_in_the_future() -> History:
    return _followed_by_another_creation(T0 + 600)


@pytest.mark.parametrize(
    ("rule", "status", "name"),
    [
        (run_end.completed_run_has_completed_at, "completed", "completed_at"),
        (run_end.cancelled_run_has_cancelled_at, "cancelled", "cancelled_at"),
        (run_end.failed_run_has_failed_at, "failed", "failed_at"),
        (run_start_and_expiry.working_run_has_started_at, "completed", "started_at"),
    ],
)
def test_time_that_is_left_out_proves_nothing(rule: AnyRule, status: str, name: str) -> None:
    without = {member: value for member, value in run(status).items() if member != name}
    builder = HistoryBuilder()
    builder.get_run(without)
    assert judge(rule, builder.history()) == []


@pytest.mark.parametrize("status", ["running", ""])
def test_end_of_a_run_in_an_unknown_status_is_suspicious(status: str) -> None:
    builder = HistoryBuilder()
    builder.get_run({**run("in_progress"), "status": status, "completed_at": T0})
    (result,) = judge(run_end.unfinished_run_has_no_end, builder.history())
    assert isinstance(result, Suspicion)


def _expiring(unit: int, after: int = 600) -> History:
    """A run whose times are given in this part of a second, which expires after ten minutes."""
    builder = HistoryBuilder()
    times: dict[str, Any] = {"created_at": T0 * unit, "expires_at": (T0 + after) * unit}
    builder.create_run(run(**times))
    builder.get_run(run("requires_action", started_at=T0, **times))
    builder.wait(600)
    builder.get_run(run("expired", started_at=T0, **times))
    return builder.history()


LIFETIME_RULES = (
    run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation,
    lifecycle.expires_no_earlier,
    form_and_order.are_in_order,
)


@pytest.mark.parametrize("unit", [1, 1000])
def test_lifetime_is_read_in_seconds_whatever_its_unit(unit: int) -> None:
    passes(*LIFETIME_RULES)(lambda: _expiring(unit))()


@pytest.mark.parametrize("unit", [1, 1000])
def test_other_lifetime_is_found_whatever_its_unit(unit: int) -> None:
    fails(*LIFETIME_RULES[:2])(lambda: _expiring(unit, after=6000))()
