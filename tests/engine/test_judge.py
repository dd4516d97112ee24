from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runs_conformance.engine.judge import judge
from runs_conformance.evidence.observation import exchanges, run_observations
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import PASSED, Outcome, Result, Tally
from tests.rules.histories import HistoryBuilder, run


@rule(units=exchanges, level=Level.MUST, source=prose("a test"), capability="core")
def answered_well(exchange: Exchange) -> Iterator[Result]:
    """Every answer is a success."""
    yield PASSED if exchange.accepted else exchange.finding("it is not")


@rule(units=exchanges, level=Level.MUST, source=prose("a test"), capability="core", needs_complete_history=True)
def unlike_before(exchange: Exchange) -> Iterator[Result]:
    """Nothing has changed since the last look."""
    yield exchange.finding("it has")


@rule(units=exchanges, level=Level.MUST, source=prose("a test"), capability="core")
def breaks_itself(exchange: Exchange) -> Iterator[Result]:
    """Nothing holds."""
    if exchange.index >= 0:
        raise KeyError("no such thing")
    yield PASSED


@rule(units=run_observations, level=Level.MUST, source=prose("a test"), capability="core")
def never_looks(run: object) -> Iterator[Result]:
    """Nothing is looked at."""
    yield from ()


RULES = {each.id: each for each in (answered_well, breaks_itself, never_looks)}


def history() -> History:
    told = HistoryBuilder()
    told.create_run(run("queued"))
    return told.history()


def test_a_rule_is_judged_over_its_units() -> None:
    assert judge(history(), {answered_well.id: answered_well})[answered_well.id].judged == 1


def test_what_somebody_else_may_have_done_is_no_finding_of_a_part() -> None:
    every = {unlike_before.id: unlike_before}
    assert judge(history(), every)[unlike_before.id].outcome is Outcome.FAIL
    tally = judge(replace(history(), partial=True), every)[unlike_before.id]
    assert tally.outcome is Outcome.INCONCLUSIVE
    assert "somebody else" in next(iter(tally.inconclusive))


def test_a_rule_that_raises_is_an_error_and_ends_nothing_else() -> None:
    tallies = judge(history(), RULES)
    assert tallies[breaks_itself.id].outcome is Outcome.ERROR
    assert "KeyError" in tallies[breaks_itself.id].errors[0]
    assert tallies[answered_well.id].outcome is Outcome.PASS


def test_what_was_not_looked_at_is_not_there() -> None:
    assert never_looks.id not in judge(history(), RULES)


def test_judges_of_many_ids_are_merged() -> None:
    found = judge(
        history(), RULES, [("some", lambda h: {"a.b": Tally(judged=2)}), ("more", lambda h: {"a.b": Tally(1)})]
    )
    assert found["a.b"].judged == 3


def test_a_judge_that_raises_is_an_error_under_its_name() -> None:
    def broken(history: History) -> dict[str, Tally]:
        raise ValueError("no")

    assert judge(history(), {}, [("constraints", broken)])["constraints"].outcome is Outcome.ERROR
