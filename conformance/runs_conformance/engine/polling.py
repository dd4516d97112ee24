"""When to look again, and when to stop looking."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

FORBEARANCE = 20.0
"""A run is waited for this many times as long as the slowest that arrived so far, once some have."""

EXPERIENCE = 3
"""So many runs have to have arrived, or to have been waited for in vain, before anything is concluded from them."""

REMEMBERED = 9
"""What came last says best when the next will come."""

SLACK, OVERDUE = 0.04, 1.5
"""What is due is looked for this share of its time late, and as often until it is overdue."""

Wanted: TypeAlias = tuple[str, ...]
"""Statuses that a look waits for."""

LONG, SHORT = 15.0, 5.0
"""The patience is never less than this; the shorter one where several runs did not arrive."""


@dataclass(slots=True)
class Pace:
    """How polling is spaced, and how long it goes on. Times are in seconds.

    The pause between two looks is a share of the time waited so far, within bounds. At first it is half of what runs
    usually take, but no longer than `calm`; it is shorter when what is waited for is due, by what the target has shown
    so far. On a target that leaves runs hanging each would take the whole patience, so the patience learns how long
    runs take there.
    """

    first: float = 0.02
    longest: float = 1.0
    share: float = 0.5
    calm: float = 0.05
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _slowest: float = 0.0
    _waited: float = 0.0
    _waits: int = 0
    _arrived: int = 0
    _in_vain: int = 0
    _took: dict[Wanted, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slowest(self) -> float:
        """How long the slowest of those took that were waited for and came."""
        return self._slowest

    def pause(self, waited: float, wanted: Wanted = ()) -> float:
        """How long to wait before the next look for one of the statuses that are wanted."""
        mean = self._waited / self._waits if self._waits else 0.0
        least = max(self.first, min(mean / 2, self.calm))
        usual = min(max(least, waited * self.share), self.longest)
        took = self._took.get(wanted, ())
        if len(took) < EXPERIENCE:
            return usual
        due = median(took) * (1 + SLACK)
        if waited < due:
            return min(usual, max(least, due - waited))
        return max(least, due * SLACK) if waited < due * OVERDUE else usual

    def patience(self, given: float) -> float:
        """How long to go on looking, where the setting gives this much."""
        in_vain = self._in_vain >= EXPERIENCE
        if self._arrived < EXPERIENCE:
            return min(given, LONG) if in_vain else given
        return min(given, max(self._slowest * FORBEARANCE, SHORT if in_vain else LONG))

    def arrived(self, waited: float, wanted: Wanted = ()) -> None:
        """What was waited for came after this long."""
        with self._lock:
            self._arrived += 1
            # A new deque, because others look at the old one.
            self._took[wanted] = deque((*self._took.get(wanted, ()), waited), maxlen=REMEMBERED)
            self._slowest = max(self._slowest, waited)
            if waited >= self.first:  # what was there at the first look tells nothing
                self._waited += waited
                self._waits += 1

    def in_vain(self) -> None:
        """The patience ended before anything came."""
        with self._lock:
            self._in_vain += 1


def loopback() -> Pace:
    """The pace for a server on this machine."""
    return Pace()


def remote() -> Pace:
    """The pace for a server elsewhere."""
    return Pace(first=0.25, longest=2.0)
