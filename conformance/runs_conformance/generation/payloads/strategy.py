"""Hypothesis strategies: the random payloads of every operation, for tests that are written with `@given`.

The exploration itself draws from a seeded generator and needs none of this: what Hypothesis draws depends on its
version and on which modules are loaded, and it replays examples, which on a live target means sending.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

import hypothesis
from hypothesis import strategies as st

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.payload_factory import Negative, Payload
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.payloads.payload_generator import Batch

T = TypeVar("T")

PROFILE = hypothesis.settings(
    # Where the variable CI is set, Hypothesis loads a profile of its own.
    hypothesis.settings.get_profile("default"),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
"""The same examples wherever they run: nothing in it depends on the speed of a machine or on earlier runs."""


def legal(
    operation: str, edition: str = DEFAULT_EDITION, sampler: Sampler | None = None, certain: bool = True
) -> st.SearchStrategy[Payload]:
    """Legal payloads of an operation; `certain` ones must be accepted, others a correct server may refuse."""
    return _drawn(lambda random: _batch(operation, edition, sampler, random, certain).legal())


def illegal(
    operation: str, edition: str = DEFAULT_EDITION, sampler: Sampler | None = None
) -> st.SearchStrategy[tuple[Payload, Negative]]:
    """Negatives of an operation, each with the legal payload that it is but for one mutation."""

    def pair(random: Random) -> tuple[Payload, Negative] | None:
        batch = _batch(operation, edition, sampler, random, certain=True)
        payload = batch.legal()
        negative = batch.negative(payload)
        return None if negative is None else (payload, negative)

    return _drawn(pair).filter(lambda pair: pair is not None)  # type: ignore[return-value]


def _batch(operation: str, edition: str, sampler: Sampler | None, random: Random, certain: bool) -> Batch:
    return Batch(bench(operation, edition, sampler or Sampler("gpt-4o")), random, certain, drawn=random.randrange(3))


def _drawn(make: Callable[[Random], T]) -> st.SearchStrategy[T]:
    # A true generator with a drawn seed: so many small choices would fill Hypothesis's buffer.
    return st.randoms(use_true_random=True).map(make)
