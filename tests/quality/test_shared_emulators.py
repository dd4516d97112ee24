"""Mutants that share an emulator are distinguished, and have the same results as alone."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.catalogue import generated_mutants
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.model.case import Role, Step
from tests.quality.judging import judge_all
from tests.quality.kill_matrix import row, trial_for
from tests.quality.sampling import fixed_sample
from tests.quality.shared_emulators import attribute_exchanges, group_mutants, judge_groups
from tests.rules.histories import HistoryBuilder, run

SAMPLE_SIZE = 6
MODEL, METADATA = "create_run.model.type", "create_run.metadata.maxProperties"


def negative(constraint: str) -> Step:
    return Step(operation="create_run", role=Role.NEGATIVE, exercises=(constraint,))


def relaxed(*items: str) -> list[Mutant]:
    mutants = [mutant for mutant in generated_mutants() if mutant.name.startswith("relaxed:")]
    return [mutant for mutant in mutants if not items or mutant.item in items]


def test_groups_contain_every_mutant() -> None:
    groups = group_mutants(relaxed())
    assert sorted(mutant.name for group in groups for mutant in group) == [mutant.name for mutant in relaxed()]
    assert len(groups) < 10


def test_mutants_that_one_negative_violates_are_separated() -> None:
    first, second = relaxed(METADATA, MODEL)
    assert group_mutants([first, second], {MODEL: {METADATA}}) == [(first,), (second,)]
    assert group_mutants([first, second], {}) == [(first, second)]


def test_mutants_of_one_constraint_are_separated() -> None:
    first, second = (mutant for mutant in generated_mutants() if mutant.item == "create_run.max_prompt_tokens.type")
    assert group_mutants([first, second]) == [(first,), (second,)]


def test_exchanges_are_attributed_to_the_mutant_that_accepted_last() -> None:
    builder = HistoryBuilder()
    before = builder.create_run()
    builder.refuse("create_run", step=negative(METADATA))
    accepted = builder.create_run(run(), step=negative(MODEL))
    read = builder.get_run(run("in_progress"))
    refused = builder.refuse("create_run", step=negative(METADATA))
    attributions = attribute_exchanges(builder.exchanges, {MODEL, METADATA})
    assert before.id not in attributions
    assert attributions[accepted.id] == attributions[read.id] == MODEL
    assert attributions[refused.id] == METADATA


def test_exchanges_without_an_accepting_mutant_are_not_attributed() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", step=negative(MODEL))
    read = builder.get_run(run("completed"))
    assert read.id not in attribute_exchanges(builder.exchanges, {MODEL})


@pytest.mark.slow
def test_sampled_mutants_have_the_same_results_alone() -> None:
    by_name = {mutant.name: mutant for mutant in relaxed()}
    sample = [by_name[name] for name in fixed_sample(by_name, SAMPLE_SIZE)]
    groups = group_mutants(relaxed())
    mutants = [mutant for group in groups for mutant in group]
    shared = {mutant.name: result for mutant, result in zip(mutants, judge_groups(groups), strict=True)}
    alone = judge_all([trial_for(mutant, generated=True) for mutant in sample])
    for mutant, result in zip(sample, alone, strict=True):
        other = shared[mutant.name]
        assert other is None or row(mutant, other, generated=True) == row(mutant, result, generated=True)
