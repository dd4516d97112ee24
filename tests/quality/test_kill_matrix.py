"""The committed kill matrix matches the code, and a sample of its mutants is killed again."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.catalogue import generated_mutants, handwritten_mutants, standard_mutants
from runs_conformance.rules import catalogue as rules
from tests.quality import kill_matrix
from tests.quality.refresh import command
from tests.quality.sampling import fixed_sample

SAMPLE_SIZE = 12


def test_all_mutants_are_listed() -> None:
    rows = kill_matrix.read()
    assert {row.mutant for row in rows if not row.generated} == {m.name for m in handwritten_mutants()}, command()
    assert {row.mutant for row in rows if row.generated} == {m.name for m in generated_mutants()}, command()


def test_handwritten_mutants_are_killed() -> None:
    surviving = [row.mutant for row in kill_matrix.read() if not row.killed and not row.generated]
    assert not surviving, f"add a rule or program that detects the defect, then {command(surviving)}"


def test_broad_mutants_give_a_reason() -> None:
    broad = {row.mutant for row in kill_matrix.read() if row.others > kill_matrix.MAX_OTHERS}
    unexplained = sorted(broad - {mutant.name for mutant in standard_mutants() if mutant.broad_reason})
    assert not unexplained, f"narrow the defect or give its declaration a `broad_reason`, then {command(unexplained)}"


def test_every_rule_is_failed_by_a_mutant() -> None:
    failed = {id_ for row in kill_matrix.read() for id_ in row.failed}
    unproven = sorted(rules().keys() - failed)
    assert not unproven, f"write a mutant that violates each in emulator/mutants/, then {command()}"


@pytest.mark.slow
def test_sampled_mutants_are_killed() -> None:
    generated = {mutant.name for mutant in generated_mutants()}
    by_name = {mutant.name: mutant for mutant in standard_mutants()}
    killed = [row.mutant for row in kill_matrix.read() if row.killed]
    sample = [(by_name[name], name in generated) for name in fixed_sample(killed, SAMPLE_SIZE)]
    assert [(row.mutant, row.failed) for row in kill_matrix.judge_mutants(sample) if not row.killed] == []
