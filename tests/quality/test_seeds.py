"""Which verdicts count as dependent on the seed."""

from __future__ import annotations

from tests.quality.judging import TrialResult
from tests.quality.seeds import row


def result(exit_code: int = 0, **outcomes: str) -> TrialResult:
    return TrialResult("", exit_code, outcomes=outcomes)


def test_pass_and_failure_depend_on_the_seed() -> None:
    table_row = row("", [result(a="pass", b="pass"), result(a="fail", b="pass")])
    assert (table_row.target, table_row.seeds, table_row.seed_dependent) == ("the emulator", 2, ("a",))
    assert not table_row.is_stable


def test_undecided_verdicts_do_not_depend_on_the_seed() -> None:
    table_row = row("is_instant", [result(a="pass", b="not_judged"), result(a="inconclusive", b="inconclusive")])
    assert (table_row.seed_dependent, table_row.sometimes_undecided) == ((), ("a",))
    assert table_row.is_stable


def test_failing_target_is_not_stable() -> None:
    assert not row("", [result(1, a="fail"), result(1, a="fail")]).is_stable
