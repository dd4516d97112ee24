"""What the table of decisions keeps of occasions when it is measured again without the variants."""

from __future__ import annotations

from runs_conformance.engine.decisions import Decisions
from tests.quality.decisions import keep_occasions


def table(**occasions: int) -> Decisions:
    """A table in which programs reveal an id, with these numbers of occasions."""
    counts = {program: count for program, count in occasions.items() if count > 1}
    return Decisions({}, {"usage.adds_up": (frozenset(occasions),)}, {"usage.adds_up": counts})


def test_fewest_occasions_are_kept() -> None:
    assert keep_occasions(table(a=2, b=5), table(a=4, b=3)) == {"usage.adds_up": {"a": 2, "b": 3}}


def test_one_occasion_on_a_variant_is_kept() -> None:
    assert keep_occasions(table(a=1), table(a=4)) == {}


def test_new_program_counts_as_measured() -> None:
    assert keep_occasions(table(a=2), table(a=2, b=4)) == {"usage.adds_up": {"a": 2, "b": 4}}


def test_former_program_is_dropped() -> None:
    assert keep_occasions(table(a=2, b=5), table(a=2)) == {"usage.adds_up": {"a": 2}}
