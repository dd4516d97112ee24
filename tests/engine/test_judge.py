"""Rules are evaluated on their units, and exceptions in them are errors of the suite."""

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
def is_accepted(exchange: Exchange) -> Iterator[Result]:
    """Every request is accepted."""
    yield PASSED if exchange.accepted else exchange.finding("it is not")


@rule(units=exchanges, level=Level.MUST, source=prose("a test"), capability="core", needs_complete_history=True)
def is_unchanged(exchange: Exchange) -> Iterator[Result]:
    """Nothing changes between two reads."""
    yield exchange.finding("it has")


@rule(units=exchanges, level=Level.MUST, source=prose("a test"), capability="core")
def raises(exchange: Exchange) -> Iterator[Result]:
    """Raises for every exchange."""
    if exchange.index >= 0:
        raise KeyError("no such thing")
    yield PASSED


@rule(units=run_observations, level=Level.MUST, source=prose("a test"), capability="core")
def yields_nothing(run: object) -> Iterator[Result]:
    """Yields nothing."""
    yield from ()


RULES = {each.id: each for each in (is_accepted, raises, yields_nothing)}


def history() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    return builder.history()


def test_rule_is_evaluated_on_its_units() -> None:
    assert judge(history(), {is_accepted.id: is_accepted})[is_accepted.id].judged == 1


def test_finding_is_inconclusive_in_a_partial_history() -> None:
    every = {is_unchanged.id: is_unchanged}
    assert judge(history(), every)[is_unchanged.id].outcome is Outcome.FAIL
    tally = judge(replace(history(), partial=True), every)[is_unchanged.id]
    assert tally.outcome is Outcome.INCONCLUSIVE
    assert "partial" in next(iter(tally.inconclusive))


def test_exception_in_a_rule_is_recorded_as_error() -> None:
    tallies = judge(history(), RULES)
    assert tallies[raises.id].outcome is Outcome.ERROR
    assert "KeyError" in tallies[raises.id].errors[0]
    assert tallies[is_accepted.id].outcome is Outcome.PASS


def test_rule_without_results_has_no_tally() -> None:
    assert yields_nothing.id not in judge(history(), RULES)


def test_tallies_of_several_judges_are_merged() -> None:
    tallies = judge(
        history(), RULES, [("some", lambda h: {"a.b": Tally(judged=2)}), ("more", lambda h: {"a.b": Tally(1)})]
    )
    assert tallies["a.b"].judged == 3


def test_exception_in_a_judge_is_recorded_under_its_name() -> None:
    def broken(history: History) -> dict[str, Tally]:
        raise ValueError("no")

    assert judge(history(), {}, [("constraints", broken)])["constraints"].outcome is Outcome.ERROR
