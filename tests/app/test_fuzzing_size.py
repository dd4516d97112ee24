"""The size of the fuzzing phase depends on the other phases and on --max-examples."""

from __future__ import annotations

from runs_conformance.app.options import RunOptions, fuzzing_size
from runs_conformance.generation.fuzzing import EXPLORE_ONLY, SHARED_RUN, THOROUGH, FuzzingSize


def test_fuzzing_is_smaller_beside_other_phases() -> None:
    assert fuzzing_size(RunOptions()) == SHARED_RUN
    assert fuzzing_size(RunOptions(phases=("boundary", "explore"))) == SHARED_RUN
    assert fuzzing_size(RunOptions(phases=("explore",))) == EXPLORE_ONLY
    assert fuzzing_size(RunOptions(profile="full")) == THOROUGH
    assert SHARED_RUN.payloads < EXPLORE_ONLY.payloads < THOROUGH.payloads


def test_random_programs_scale_with_max_examples() -> None:
    assert fuzzing_size(RunOptions(phases=("explore",), max_examples=30)) == FuzzingSize(30, 2)
    assert fuzzing_size(RunOptions(profile="full", max_examples=500)) == FuzzingSize(500, 30)


def test_more_examples_lift_the_limit_on_runs() -> None:
    assert fuzzing_size(RunOptions(max_examples=12)).runs == SHARED_RUN.runs
    assert fuzzing_size(RunOptions(max_examples=240)).runs is None
