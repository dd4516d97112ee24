"""Distinguishes dates that stand for unknown times from those of a long recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

_DAY = 86_400.0
_LONGEST_SESSION = 30 * _DAY
FIRST_BETA = 1_699_228_800.0
"""The launch of the earlier beta. A clock that shows an earlier time is wrong."""


def placeholder_times(times: Sequence[float]) -> frozenset[float]:
    """The times that stand for unknown ones: those before there was a service, and one date among real ones.

    A recording may span months. Its times that are far from most others then have others near them, or there are
    several of them, while a placeholder is one and the same.
    """
    if not times or max(times) - min(times) <= _LONGEST_SESSION:
        return frozenset()
    distinct = sorted(set(times))
    early = {time for time in distinct if time < FIRST_BETA} if distinct[-1] >= FIRST_BETA else set()
    middle = median(times)
    alone = {
        time
        for before, time, after in zip([-math.inf, *distinct], distinct, [*distinct[1:], math.inf], strict=False)
        if abs(time - middle) > _LONGEST_SESSION and min(time - before, after - time) > _DAY
    } - early
    return frozenset(early | alone if len(alone) == 1 else early)
