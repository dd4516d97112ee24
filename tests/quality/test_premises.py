"""The committed table of premises is the one that the kill matrix gives."""

from __future__ import annotations

from runs_conformance.engine.decisions import Decisions
from runs_conformance.engine.premises import TABLE, Defect, encode_defects
from tests.quality import kill_matrix
from tests.quality.judging import TrialResult
from tests.quality.kill_matrix import KillRow
from tests.quality.premises import MAX_FAILED, derive


def test_the_table_is_derived_from_the_kill_matrix() -> None:
    expected = encode_defects(derive(kill_matrix.read()))
    assert TABLE.read_text(encoding="utf-8") == expected, "run `python -m tests.quality.premises`, and commit the table"


def test_rules_that_no_program_decides_any_more_are_undecided() -> None:
    result = TrialResult(
        "run",
        1,
        decided_by={"usage.adds_up": ("p",)},
        occasions={"p": {"usage.adds_up": 1}, "q": {"run.id.type": 1}},
    )
    deciders = {
        "usage.adds_up": frozenset({"p"}),
        "action.calls_are_distinct": frozenset({"p", "r"}),
        "cancel.response_shows_the_cancellation": frozenset({"r"}),
        "run.usage.type": frozenset({"p"}),
    }
    undecided = kill_matrix.undecided_rules(result, Decisions(deciders, {}))
    assert undecided == ("action.calls_are_distinct",), "r did not run, and constraints have no premises"


def test_defects_that_leave_rules_undecided_are_listed() -> None:
    def row(failed: int, undecided: tuple[str, ...]) -> KillRow:
        return KillRow("m", "x", "must", failed > 0, tuple(f"id {n}" for n in range(failed)), undecided=undecided)

    rule = "usage.adds_up"
    rows = [row(2, (rule,)), row(2, ()), row(0, (rule,)), row(MAX_FAILED + 1, (rule,))]
    assert derive(rows) == [Defect(("id 0", "id 1"), frozenset({rule}))]
