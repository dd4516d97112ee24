"""Polling: the interval between two polls, and the timeout."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

from runs_conformance.contract.lifecycle import TERMINAL

SLOWEST_MULTIPLE = 20.0
"""The timeout as a multiple of the slowest successful wait so far."""

MIN_SAMPLES = 3
"""Number of successes or timeouts needed before the schedule adapts to them."""

SAMPLE_WINDOW = 9
"""Number of recent durations from which the next is predicted."""

DUE_MARGIN, OVERDUE_FACTOR = 0.04, 1.5
"""Fractions of the median duration: polls start DUE_MARGIN after it and stay that dense until OVERDUE_FACTOR."""

LASTING = frozenset({*TERMINAL, "requires_action"})
"""The statuses that a run keeps: those that are final, and the one in which it waits for the client."""

Statuses: TypeAlias = tuple[str, ...]
"""The statuses that a poll waits for."""

MIN_TIMEOUT, MIN_TIMEOUT_AFTER_HANGS = 15.0, 5.0
"""Lower bounds of the learned timeout in seconds; the smaller one applies after several timeouts."""


@dataclass(slots=True)
class PollSchedule:
    """An adaptive polling interval and timeout. Times are in seconds.

    The interval grows with the time waited so far (`growth`), between `min_interval` and `max_interval`. The first
    intervals are half the mean wait, at most `max_first_interval`. Around the median duration of earlier waits for the
    same statuses, polls are denser. The timeout is learned from the slowest success, because on a target that leaves
    runs hanging each wait would otherwise take the whole configured timeout.
    """

    min_interval: float = 0.02
    max_interval: float = 1.0
    growth: float = 0.5
    max_first_interval: float = 0.05
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _slowest: float = 0.0
    _total_waited: float = 0.0
    _wait_count: int = 0
    _successes: int = 0
    _timeouts: int = 0
    _durations: dict[Statuses, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slowest(self) -> float:
        """Duration of the slowest successful wait."""
        return self._slowest

    def interval(self, waited: float, statuses: Statuses = ()) -> float:
        """The pause before the next poll for one of `statuses`, after `waited` seconds."""
        mean = self._total_waited / self._wait_count if self._wait_count else 0.0
        least = max(self.min_interval, min(mean / 2, self.max_first_interval))
        default = min(max(least, waited * self.growth), self.max_interval)
        durations = self._durations.get(statuses, ())
        if len(durations) < MIN_SAMPLES:
            return default
        due = median(durations) * (1 + DUE_MARGIN)
        if waited < due:
            return min(default, max(least, due - waited))
        return max(least, due * DUE_MARGIN) if waited < due * OVERDUE_FACTOR else default

    def first_pause(self, statuses: Statuses) -> float:
        """The pause before the first poll for one of `statuses`.

        None until the usual duration is known, if that is short, or if runs may leave one of the statuses meanwhile.
        """
        durations = self._durations.get(statuses, ())
        if len(durations) < MIN_SAMPLES or not LASTING.issuperset(statuses):
            return 0.0
        first = self.interval(0.0, statuses)
        return first if median(durations) > 2 * first else 0.0

    def timeout(self, configured: float) -> float:
        """How long to poll, at most `configured`."""
        hangs = self._timeouts >= MIN_SAMPLES
        if self._successes < MIN_SAMPLES:
            return min(configured, MIN_TIMEOUT) if hangs else configured
        return min(configured, max(self._slowest * SLOWEST_MULTIPLE, MIN_TIMEOUT_AFTER_HANGS if hangs else MIN_TIMEOUT))

    def record_success(self, waited: float, statuses: Statuses = ()) -> None:
        """Record that one of `statuses` was reached after `waited` seconds."""
        with self._lock:
            self._successes += 1
            # Replace the deque instead of appending: other threads may be reading it.
            self._durations[statuses] = deque((*self._durations.get(statuses, ()), waited), maxlen=SAMPLE_WINDOW)
            self._slowest = max(self._slowest, waited)
            if waited >= self.min_interval:  # a wait that the first poll ended says nothing about the duration
                self._total_waited += waited
                self._wait_count += 1

    def record_timeout(self) -> None:
        """Record that a wait timed out."""
        with self._lock:
            self._timeouts += 1


def loopback_schedule() -> PollSchedule:
    """The schedule for a server on this machine."""
    return PollSchedule()


def remote_schedule() -> PollSchedule:
    """The schedule for a remote server."""
    return PollSchedule(min_interval=0.25, max_interval=2.0)
