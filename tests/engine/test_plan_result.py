"""Results of programs are merged by program."""

from __future__ import annotations

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan_result import merge_results
from runs_conformance.engine.program_verdicts import ProgramVerdicts
from runs_conformance.model.verdict import Finding, Tally

FINDING = Finding("wrong", "get_run", "x000001")


def _verdicts(program: str, **tallies: Tally) -> ProgramVerdicts:
    return ProgramVerdicts(program, tallies, {}, {})


def test_parts_of_one_program_are_counted_together() -> None:
    parts = [_verdicts("read", a=Tally(2, [FINDING]), b=Tally(1)), _verdicts("read", a=Tally(3)), _verdicts("write")]
    result = merge_results(parts, Budget())
    assert result.program_ids == ("read", "write")
    assert result.occasions == {"read": {"a": 5, "b": 1}, "write": {}}
    assert result.decided_ids == {"read": {"a", "b"}, "write": set()}
    assert result.failed == {"read": {"a"}, "write": set()}
