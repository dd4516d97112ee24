"""Mutants in company are told apart, and come out as they do alone."""

from __future__ import annotations

import pytest

from runs_conformance.emulator.catalogue import Mutant, generated
from runs_conformance.model.case import Role, Step
from tests.quality import bench, kill_matrix
from tests.quality.composition import composed, doers, judged
from tests.quality.test_matrices import drawn
from tests.rules.histories import Told, run

ALONE = 6
MODEL, METADATA = "create_run.model.type", "create_run.metadata.maxProperties"


def negative(constraint: str) -> Step:
    return Step(operation="create_run", role=Role.NEGATIVE, exercises=(constraint,))


def relaxed(*items: str) -> list[Mutant]:
    every = [mutant for mutant in generated() if mutant.name.startswith("relaxed:")]
    return [mutant for mutant in every if not items or mutant.item in items]


def test_nobody_is_left_out() -> None:
    compositions = composed(relaxed())
    assert sorted(mutant.name for company in compositions for mutant in company) == [m.name for m in relaxed()]
    assert len(compositions) < 10


def test_those_that_one_negative_breaks_are_kept_apart() -> None:
    one, other = relaxed(METADATA, MODEL)
    assert composed([one, other], {MODEL: {METADATA}}) == [(one,), (other,)]
    assert composed([one, other], {}) == [(one, other)]


def test_two_of_one_constraint_are_kept_apart() -> None:
    one, other = (mutant for mutant in generated() if mutant.item == "create_run.max_prompt_tokens.type")
    assert composed([one, other]) == [(one,), (other,)]


def test_what_an_exchange_shows_is_the_doing_of_the_mutant_that_took_it() -> None:
    tell = Told()
    before = tell.create_run()
    tell.refuse("create_run", step=negative(METADATA))
    taken = tell.create_run(run(), step=negative(MODEL))
    look = tell.get_run(run("in_progress"))
    refused = tell.refuse("create_run", step=negative(METADATA))
    done_by = doers(tell.exchanges, {MODEL, METADATA})
    assert before.id not in done_by
    assert done_by[taken.id] == done_by[look.id] == MODEL
    assert done_by[refused.id] == METADATA


def test_what_nobody_took_is_nobodys_doing() -> None:
    tell = Told()
    tell.refuse("create_run", step=negative(MODEL))
    look = tell.get_run(run("completed"))
    assert look.id not in doers(tell.exchanges, {MODEL})


@pytest.mark.slow
def test_mutants_drawn_by_the_commit_come_out_alone_as_in_company() -> None:
    by_name = {mutant.name: mutant for mutant in relaxed()}
    chosen = [by_name[name] for name in drawn(by_name, ALONE)]
    compositions = composed(relaxed())
    mutants = [mutant for company in compositions for mutant in company]
    together = {mutant.name: result for mutant, result in zip(mutants, judged(compositions), strict=True)}
    alone = bench.judged([kill_matrix.trial_of(mutant, made=True) for mutant in chosen])
    for mutant, result in zip(chosen, alone, strict=True):
        said = together[mutant.name]
        assert said is None or kill_matrix.row(mutant, said, made=True) == kill_matrix.row(mutant, result, made=True)
