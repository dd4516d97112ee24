"""How much is explored follows from what else is played, and from what the user asks for."""

from __future__ import annotations

from runs_conformance.app.options import Choice, dose
from runs_conformance.generation.fuzzing import ALONE, BESIDE, THOROUGH, Dose


def test_beside_other_phases_there_is_room_for_less() -> None:
    assert dose(Choice()) == BESIDE
    assert dose(Choice(phases=("boundary", "explore"))) == BESIDE
    assert dose(Choice(phases=("explore",))) == ALONE
    assert dose(Choice(profile="full")) == THOROUGH
    assert BESIDE.payloads < ALONE.payloads < THOROUGH.payloads


def test_walks_are_in_proportion_to_the_payloads_that_are_asked_for() -> None:
    assert dose(Choice(phases=("explore",), most_examples=30)) == Dose(30, 2)
    assert dose(Choice(profile="full", most_examples=500)) == Dose(500, 30)


def test_who_asks_for_more_gets_the_runs_that_it_takes() -> None:
    assert dose(Choice(most_examples=24)).runs == BESIDE.runs
    assert dose(Choice(most_examples=240)).runs is None
