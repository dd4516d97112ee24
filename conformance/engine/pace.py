"""When to look again, and when to stop looking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FORBEARANCE = 20.0
"""A run is waited for this many times as long as the slowest that arrived so far, once some have."""

EXPERIENCE = 3
"""So many runs have to have arrived, or to have been waited for in vain, before anything is concluded from them."""

LONG, SHORT = 15.0, 5.0
"""The patience is never less than this; the shorter one where several runs did not arrive."""


@dataclass(slots=True)
class Pace:
    """How polling is spaced, and how long it goes on. Times are in seconds.

    The pause between two looks is a share of the time waited so far, within bounds; at first it is half of what runs
    usually take, but no longer than `calm`. On a target that leaves runs
    hanging each would take the whole patience, so the patience learns how long runs take there.
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
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slowest(self) -> float:
        """How long the slowest of those took that were waited for and came."""
        return self._slowest

    def pause(self, waited: float) -> float:
        """How long to wait before the next look."""
        usual = self._waited / self._waits if self._waits else 0.0
        return min(max(self.first, min(usual / 2, self.calm), waited * self.share), self.longest)

    def patience(self, given: float) -> float:
        """How long to go on looking, where the setting gives this much."""
        in_vain = self._in_vain >= EXPERIENCE
        if self._arrived < EXPERIENCE:
            return min(given, LONG) if in_vain else given
        return min(given, max(self._slowest * FORBEARANCE, SHORT if in_vain else LONG))

    def arrived(self, waited: float) -> None:
        """What was waited for came after this long."""
        with self._lock:
            self._arrived += 1
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
