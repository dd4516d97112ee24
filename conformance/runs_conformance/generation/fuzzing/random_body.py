"""Random valid request bodies for the actions of a walk."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator


def random_body(state: WalkState, random: Random, operation: str, density: float | None = None) -> Mapping[str, Any]:
    """A random valid body for an operation; `density` is the share of its optional members."""
    context = state.context
    factory = payload_factory(operation, context.edition, Sampler(context.model, context.accepts_any_file_id))
    return PayloadGenerator(factory, random).valid(density).body
