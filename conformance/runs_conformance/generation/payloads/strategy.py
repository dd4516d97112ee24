"""Hypothesis strategies for the random payloads of every operation, for tests with `@given`.

The fuzzer itself draws from a seeded generator instead: Hypothesis's draws depend on its version and on the loaded
modules, and it replays examples, which would send requests to a live target.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

import hypothesis
from hypothesis import strategies as st

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.payload_factory import Negative, Payload
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator

T = TypeVar("T")

PROFILE = hypothesis.settings(
    # If the variable CI is set, Hypothesis loads another profile.
    hypothesis.settings.get_profile("default"),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
"""Settings under which every machine draws the same examples, regardless of its speed and of earlier runs."""


def valid_payloads(
    operation: str, edition: str = DEFAULT_EDITION, sampler: Sampler | None = None, must_be_accepted: bool = True
) -> st.SearchStrategy[Payload]:
    """Valid payloads of an operation; without `must_be_accepted`, also payloads that a correct server may refuse."""
    return _from_random(
        lambda random: _payload_generator(operation, edition, sampler, random, must_be_accepted).valid()
    )


def invalid_payloads(
    operation: str, edition: str = DEFAULT_EDITION, sampler: Sampler | None = None
) -> st.SearchStrategy[tuple[Payload, Negative]]:
    """Negatives of an operation, each with the valid payload that it mutates."""

    def pair(random: Random) -> tuple[Payload, Negative] | None:
        generator = _payload_generator(operation, edition, sampler, random, must_be_accepted=True)
        payload = generator.valid()
        negative = generator.negative(payload)
        return None if negative is None else (payload, negative)

    return _from_random(pair).filter(lambda pair: pair is not None)  # type: ignore[return-value]


def _payload_generator(
    operation: str, edition: str, sampler: Sampler | None, random: Random, must_be_accepted: bool
) -> PayloadGenerator:
    factory = payload_factory(operation, edition, sampler or Sampler("gpt-4o"))
    return PayloadGenerator(factory, random, must_be_accepted, valid_count=random.randrange(3))


def _from_random(make: Callable[[Random], T]) -> st.SearchStrategy[T]:
    # A true generator with a drawn seed: the many small choices of a payload would exhaust Hypothesis's buffer.
    return st.randoms(use_true_random=True).map(make)
