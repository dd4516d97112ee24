"""The committed variants matrix matches the code, and a sample of the variants has no false failures."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.catalogue import variants
from tests.quality import variants_matrix
from tests.quality.judging import judge_all
from tests.quality.refresh import command
from tests.quality.sampling import fixed_sample

SAMPLE_SIZE = 6


def test_all_variants_are_listed() -> None:
    assert {row.variant for row in variants_matrix.read()} == {variant.name for variant in variants()}, command()


def test_no_variant_has_false_failures() -> None:
    failed = [row.variant for row in variants_matrix.read() if row.false_failures]
    assert not failed, f"correct the rules that fail them, then {command(failed)}"


@pytest.mark.slow
def test_sampled_variants_have_no_false_failures() -> None:
    by_name = {variant.name: variant for variant in variants()}
    trials = [variants_matrix.trial_for(by_name[name]) for name in fixed_sample(by_name, SAMPLE_SIZE)]
    results = judge_all(trials, batch_size=SAMPLE_SIZE // 2)
    assert [(result.name, result.must, result.reason) for result in results if result.exit_code] == []
