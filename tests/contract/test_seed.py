"""Every field that a seed prints is judged by the edition it belongs to."""

from __future__ import annotations

import pytest

from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.source_documents import SEEDS, Seed, judging


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_every_field_is_judged(seed: Seed) -> None:
    assert [place for place in seed.places() if not judging(place, seed.edition)] == []


def test_seeds_belong_to_editions_that_can_be_chosen() -> None:
    assert {seed.edition for seed in SEEDS} <= set(EDITIONS)


def test_a_field_of_a_later_edition_is_not_judged_before() -> None:
    assert judging("create_run.reasoning_effort", "2025-02-10")
    assert not judging("create_run.reasoning_effort", "2024-08-28")
    assert not judging("create_run.temp", "2025-02-10")
