"""The smallest set of mutants with which a verdict of a composite remains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.quality.judging import Trial, judge_all

_Item = TypeVar("_Item")

MAX_TRIALS = 60
"""Test runs per search; each takes a second or two, and a set that is not minimal is still worth reading."""


def minimize(
    items: Sequence[_Item], holds: Callable[[Sequence[_Item]], bool], max_checks: int = MAX_TRIALS
) -> list[_Item]:
    """A subset of `items` for which `holds` is true and from which no item can be left out.

    `holds` must be true for `items`. The subset may be larger when `max_checks` calls do not suffice.
    """
    kept, size, checks = list(items), max(1, len(items) // 2), 0
    while True:
        start, removed = 0, False
        while start < len(kept) and checks < max_checks:
            rest = [*kept[:start], *kept[start + size :]]
            checks += 1
            if rest and holds(rest):
                kept, removed = rest, True
            else:
                start += size
        if checks >= max_checks or (size == 1 and not removed):
            return kept
        size = max(1, size // 2)


def smallest_set(trial: Trial, id_: str, outcome: str, kept: str = "") -> tuple[str, ...]:
    """The mutants of a trial that are needed for this outcome of an id; empty if it is not seen again.

    The mutant `kept` is never left out: what it breaks passes without it.
    """

    def has_outcome(mutants: Sequence[str]) -> bool:
        (result,) = judge_all([replace(trial, mutants=(*filter(None, (kept,)), *mutants))], processes=1)
        return result.outcomes.get(id_) == outcome

    others = [name for name in trial.mutants if name != kept]
    if not has_outcome(others):
        return ()
    if kept and has_outcome([]):
        return (kept,)
    return (*filter(None, (kept,)), *minimize(others, has_outcome))
