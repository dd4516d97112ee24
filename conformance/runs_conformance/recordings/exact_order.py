"""Orders many entries by their exact times at once; `ordering` handles all other cases, with one object per entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from runs_conformance.recordings.ordering import (
    CLOCK_TOLERANCE,
    duplicate_tolerance,
    falls_overall,
)
from runs_conformance.recordings.placeholder_times import placeholder_times

_COMPARED = 3
"""Earlier entries of the same identity with which one is compared."""


@dataclass(frozen=True, slots=True)
class EntryTimes:
    """Columns of the values that determine the order of entries, one row per entry, in the order of the file. An
    unknown time is NaN, an unknown hash is 0.
    """

    exact: Sequence[int]
    started: Sequence[float]
    seconds: Sequence[float]
    address: Sequence[int]
    identity: Sequence[int]
    request: Sequence[int]
    response: Sequence[int]


def order_by_exact_times(rows: list[int], times: EntryTimes) -> list[int] | None:
    """These rows in the order that `ordering.in_order` gives them.

    Returns None if that needs a closer look: at entries without exact times, entries that were recorded twice, or a
    clock that was set back.
    """
    if not rows or not all(map(times.exact.__getitem__, rows)):
        return None
    started = [times.started[row] for row in rows]
    if any(map(math.isnan, started)) or any(math.isnan(times.seconds[row]) for row in rows):
        return None
    if placeholder_times(started) or _jumps(rows, started, times):
        return None
    del started
    ordered = sorted(rows, key=times.started.__getitem__)  # A stable sort: equal times keep the order of the file.
    return None if _repeats(ordered, times) else ordered


def _jumps(rows: Sequence[int], started: Sequence[float], times: EntryTimes) -> bool:
    """Whether an entry began before the one that precedes it by more than its own duration."""
    falling = rising = 0
    earlier = started[0]
    for later in started:
        falling += later < earlier
        rising += later > earlier
        earlier = later
    latest = -math.inf
    backwards = falls_overall(falling, rising, len(rows))
    for position in range(len(rows) - 1, -1, -1) if backwards else range(len(rows)):
        began = started[position]
        if began < latest:
            if latest - began > times.seconds[rows[position]] + CLOCK_TOLERANCE:
                return True
        else:
            latest = began
    return False


def _repeats(ordered: Sequence[int], times: EntryTimes) -> bool:
    """Whether any entry shows the same exchange as one shortly before it."""
    identity, address, started = times.identity, times.address, times.started
    grouped = sorted(ordered, key=lambda row: identity[row] or address[row])
    for position, row in enumerate(grouped):
        key = identity[row] or address[row]
        for other in grouped[max(0, position - _COMPARED) : position]:
            if (
                started[row] - started[other] <= duplicate_tolerance(identity[row], identity[other])
                and (identity[other] or address[other]) == key
                and _shows_the_same(row, other, times)
            ):
                return True
    return False


def _shows_the_same(row: int, other: int, times: EntryTimes) -> bool:
    tolerance = duplicate_tolerance(times.identity[row], times.identity[other])
    for column in (times.request, times.response):
        mine, theirs = column[row], column[other]
        if mine and theirs and mine != theirs:
            return False
        if bool(mine) != bool(theirs):
            tolerance = 0.0
    return abs(times.started[row] - times.started[other]) <= tolerance
