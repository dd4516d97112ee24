"""The throttle shared by all workers, which keeps the request rate within what the target accepts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST_SPACING = 0.01
"""Seconds between two requests after the target has refused one for the first time."""

MAX_SPACING = 5.0
"""Maximum seconds between two requests, whatever the target refuses; only the user can set more."""

SUSTAINED_REQUESTS = 15
"""The spacing is kept if at least this many requests were accepted between two refusals."""

NOTABLE_WAIT = 1.0
"""The user is informed of waits of at least this many seconds."""

SPACING_DECAY = 0.98
"""Factor by which each accepted request reduces the spacing."""

MEASURED_PAUSES = 8
"""Pauses between refusals in which the rate that the target accepts is measured, with next to no spacing."""

MAX_RATE_EXCESS = 1.1
"""Widest spacing, in multiples of the measured one."""

MAX_INEFFECTIVE = 4
"""Refusals despite the measured spacing after which spacing is given up."""

OUTDATED_RATE = 10
"""The rate is measured again after this time without an accepted request, in multiples of the measured spacing."""


class Throttle:
    """Spaces requests, and holds them back while the target asks to wait. Thread-safe.

    `spacing` is the user's rate limit: the seconds between two requests, 0 for none. Refusals widen the spacing, up
    to the rate that the target was observed to accept; accepted requests narrow it again. That rate is measured while
    next to nothing but the pauses spaces requests: a target that refuses requests at random accepts many requests in
    little time then, and no spacing prevents its refusals. `sleep` may return early, when the test run is over: then
    nothing is waited for.
    `on_wait` is called with the seconds when they become notable, and again when they have doubled.
    """

    def __init__(
        self,
        spacing: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        self._on_wait = on_wait
        self._notified = NOTABLE_WAIT / 2
        self._min_spacing = spacing
        self._spacing = spacing
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._quiet_until = 0.0
        self._pauses = 0
        self._since = now()
        self._let_through = 0
        self._measurement = _RateMeasurement()

    @property
    def spacing(self) -> float:
        """The current seconds between two requests."""
        return self._spacing

    def acquire(self, requests: int = 1) -> None:
        """Block until this many requests may be sent together."""
        while True:
            with self._lock:
                pauses, now = self._pauses, self._now()
                slot = max(now, self._next)
                self._next = slot + requests * self._spacing
            if slot <= now:
                return
            self._sleep(slot - now)
            # The target may have asked to wait while this thread slept: then every waiting thread asks for a new slot.
            if self._pauses == pauses or self._now() - now < (slot - now) / 2:
                return

    def record_accepted(self) -> None:
        """Record that the target accepted a request."""
        with self._lock:
            self._let_through += 1
            self._spacing = max(self._min_spacing, self._spacing * SPACING_DECAY)

    def back_off(self, seconds: float) -> None:
        """Hold all requests for this long, because the target refused one."""
        self._widen(seconds)
        wait = max(seconds, self._spacing)
        if wait >= 2 * self._notified:
            self._notified = wait
            self._on_wait(wait)

    def _widen(self, seconds: float) -> None:
        with self._lock:
            now = self._now()
            # Requests that were sent before the first refusal are refused, too: they say nothing of the spacing.
            if now >= self._quiet_until:
                self._measurement.add(now, self._let_through)
                if self._let_through < SUSTAINED_REQUESTS:
                    self._spacing = max(self._min_spacing, self._wider_spacing(now + seconds - self._since))
                elif self._measurement.ineffective < MAX_INEFFECTIVE:
                    self._measurement.ineffective = 0
                self._since, self._let_through = now + seconds, 0
            if now + seconds > self._quiet_until:
                self._pauses += 1
                self._next = self._quiet_until = now + seconds

    def _wider_spacing(self, elapsed: float) -> float:
        """The spacing after a refusal; `elapsed` are the seconds since the last one, including both pauses."""
        if self._let_through == 0:
            # Even the first request after the wait was refused: the spacing is not the cause.
            return max(self._spacing, FIRST_SPACING)
        measurement = self._measurement
        if (measured := measurement.spacing) is None:
            return FIRST_SPACING
        measurement.ineffective += self._spacing >= measured
        if measurement.ineffective >= MAX_INEFFECTIVE:
            return self._min_spacing
        # The target accepted this on average. A wider spacing would only waste time.
        observed = elapsed / self._let_through
        return min(max(2 * self._spacing, FIRST_SPACING), observed, measured * MAX_RATE_EXCESS, MAX_SPACING)


class _RateMeasurement:
    """Measures the seconds per request that a target accepts while next to nothing but its pauses spaces them."""

    def __init__(self) -> None:
        self.spacing: float | None = None
        """Seconds per accepted request; None while they are not known."""
        self.ineffective = 0
        """Refusals despite this spacing."""
        self._started: float | None = None
        self._last_accepted = 0.0
        self._pauses = self._accepted = 0

    def add(self, now: float, accepted: int) -> None:
        """Add a refusal, and the number of requests that were accepted since the last one."""
        if accepted:
            self._last_accepted = now
        if self.spacing is not None and now - self._last_accepted > OUTDATED_RATE * self.spacing:
            self.spacing = self._started = None
            self.ineffective = 0
        if self.spacing is not None:
            return
        if self._started is None:
            self._started, self._pauses, self._accepted = now, 0, 0
            return
        self._pauses += 1
        self._accepted += accepted
        if self._pauses >= MEASURED_PAUSES and self._accepted:
            self.spacing = (now - self._started) / self._accepted
