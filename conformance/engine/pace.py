"""When to look again, and when to stop looking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHORTEST_PATIENCE = 15.0
FORBEARANCE = 20.0
"""A run is waited for this many times as long as the slowest run that did arrive, once some have."""


@dataclass(slots=True)
class Pace:
    """How polling is spaced, and how long it goes on. Times are in seconds.

    The pause between two looks is a share of the time waited so far, within bounds. A target on which nothing ever
    arrives would take the whole patience for each run, so the patience shrinks with experience.
    """

    first: float = 0.02
    longest: float = 1.0
    share: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _slowest: float = 0.0
    _arrived: int = 0
    _in_vain: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pause(self, waited: float) -> float:
        """How long to wait before the next look."""
        return min(max(self.first, waited * self.share), self.longest)

    def patience(self, given: float) -> float:
        """How long to go on looking, where the setting gives this much."""
        if self._in_vain < 2:
            return given
        learned = self._slowest * FORBEARANCE if self._arrived > self._in_vain else 0.0
        return min(given, max(learned, SHORTEST_PATIENCE))

    def arrived(self, waited: float) -> None:
        """What was waited for came after this long."""
        with self._lock:
            self._arrived += 1
            self._slowest = max(self._slowest, waited)

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
