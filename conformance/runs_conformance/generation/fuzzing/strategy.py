"""Hypothesis strategies for the steps of random walks, for tests with `@given`."""

from __future__ import annotations

from hypothesis import strategies as st

from runs_conformance.generation.fuzzing.walk import next_step
from runs_conformance.generation.fuzzing.walk_profile import WalkProfile
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.model.case import Step


def next_steps(state: WalkState, profile: WalkProfile) -> st.SearchStrategy[tuple[str, Step] | None]:
    """The next actions and steps from a state; None if the state allows no action."""
    return st.randoms(use_true_random=True).map(lambda random: next_step(state, profile, random))
