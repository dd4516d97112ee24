"""The classification of composites, and the choice of mutants that work together."""

from __future__ import annotations

import pytest

from tests.quality import composites, kill_matrix
from tests.quality.composites import Composite, draw_composites, evaluate, fixed_composites, judge_composites
from tests.quality.judging import TrialResult
from tests.quality.minimization import minimize
from tests.quality.mutant_conflicts import drop_conflicting, raising_requests

ROWS = {row.mutant: row for row in kill_matrix.read()}
FOUND, MISSED = "answers_detail", "creates_with_201"


def own_ids(mutant: str) -> list[str]:
    return composites.own_failures(ROWS[mutant])


def result(must: list[str], outcomes: dict[str, str]) -> TrialResult:
    return TrialResult("composite-000", 1, must=tuple(must), outcomes=outcomes)


def test_a_pass_of_what_a_mutant_breaks_is_a_false_pass() -> None:
    composite = Composite("composite-000", (FOUND, MISSED))
    row = evaluate(composite, result(own_ids(FOUND), dict.fromkeys(own_ids(MISSED), "pass")), ROWS)
    assert row.found == (FOUND,)
    assert [text.partition(":")[0] for text in row.false_passes] == [MISSED]
    undecided = evaluate(composite, result(own_ids(FOUND), {}), ROWS)
    assert (undecided.undecided, undecided.false_passes) == ((MISSED,), ())


def test_a_pass_is_true_if_another_mutant_satisfies_the_id() -> None:
    locked, after_message, after_run = "stays_locked_after_cancelling", *own_ids("stays_locked_after_cancelling")
    outcomes = {after_message: "inconclusive", after_run: "pass"}
    alone = evaluate(Composite("composite-000", (locked,)), result([], outcomes), ROWS)
    assert alone.false_passes == (f"{locked}: {after_run}",)
    with_other = Composite("composite-000", (locked, "runs_twice_at_once"))
    assert evaluate(with_other, result([], outcomes), ROWS).undone == (locked,)
    false = evaluate(with_other, result([], dict.fromkeys(outcomes, "pass")), ROWS)
    assert f"{locked}: {after_message}" in false.false_passes


def test_a_failure_needs_a_mutant_or_a_fault_that_explains_it() -> None:
    must = [*ROWS[FOUND].failed, "errors.requests_do_not_break_the_server"]
    alone = evaluate(Composite("composite-000", (FOUND,)), result(must, {}), ROWS)
    assert alone.unexplained == ("errors.requests_do_not_break_the_server",)
    with_fault = evaluate(Composite("composite-000", (FOUND,), "random_500:8"), result(must, {}), ROWS)
    assert with_fault.unexplained == ()


@pytest.mark.parametrize(
    "together", [("answers_detail", "lists_messages"), ("stamps_listed_steps_by_the_look", "writes_dates")]
)
def test_mutants_that_make_the_emulator_raise_together_are_not_combined(together: tuple[str, str]) -> None:
    assert raising_requests(together) > raising_requests(together[:1]) | raising_requests(together[1:])
    assert drop_conflicting(together) == together[:1]


def test_mutants_that_change_the_same_keyword_are_not_combined() -> None:
    removed, changed = "accepts_any_function_name", "refuses_dashes_in_names"
    assert drop_conflicting((removed, changed)) == (removed,)


def test_a_composite_depends_only_on_its_number() -> None:
    rows = list(ROWS.values())
    assert draw_composites([4], rows, ("cuts_streams",)) == draw_composites([0, 4], rows, ("cuts_streams",))[1:]


def test_a_minimal_set_of_mutants_has_none_that_can_be_left_out() -> None:
    assert minimize(range(30), lambda items: {3, 17, 29} <= {*items}) == [3, 17, 29]
    assert minimize(range(30), lambda items: 12 in items, max_checks=3) != [12], "too few checks end the search early"


@pytest.mark.slow
def test_fixed_composites_pass_nothing_that_they_break() -> None:
    judged = [row for row, _ in judge_composites(fixed_composites(), list(ROWS.values()), narrow=True)]
    assert not [problem for row in judged for problem in (*row.false_passes, *row.unexplained)]
    assert any(row.found for row in judged)
