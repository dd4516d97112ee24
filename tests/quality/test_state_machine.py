"""The committed measurement of the state machine reports no false failure, and finds every mutant."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.catalogue import fuzzing_mutants, handwritten_mutants
from tests.quality import state_machine
from tests.quality.state_machine import CORRECT, EXAMPLES, MUTANTS, measure, read
from tests.quality.tables import FOLDER

REFRESH = "run `tox -e state-machine` and commit the result"
ROWS = {row.mutant: row for row in read()}


def test_nothing_is_reported_on_the_emulator() -> None:
    correct = ROWS[CORRECT]
    assert (correct.failed, correct.examples >= EXAMPLES) == ("", True), REFRESH


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_found(mutant: str) -> None:
    assert mutant in {each.name for each in (*handwritten_mutants(), *fuzzing_mutants())}
    assert ROWS[mutant].failed, REFRESH
    assert ROWS[mutant].examples <= EXAMPLES


def test_page_states_the_rows() -> None:
    page = (FOLDER / "state-machine.md").read_text(encoding="utf-8")
    assert page == state_machine.page(list(ROWS.values())), REFRESH


@pytest.mark.slow
def test_a_mutant_is_found_again() -> None:
    assert measure("keeps_no_metadata_of_a_second_run", examples=50).failed
