"""The throttle shared by all workers, which keeps the request rate within what the target accepts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST_SPACING = 0.05
"""Seconds between two requests after the target has rejected one for the first time."""

MAX_SPACING = 5.0
"""Maximum seconds between two requests, whatever the target rejects; only the user can set more."""

SUSTAINED_REQUESTS = 15
"""Accepted requests between two rejections from which the spacing stays as it is."""

NOTABLE_WAIT = 1.0
"""Seconds between two requests, or of a pause, from which on the user is informed."""

MAX_USELESS = 2
"""Rejections at the widest spacing after which the spacing is considered not to be their cause."""

SPACING_DECAY = 0.98
"""Factor by which each accepted request reduces the spacing."""

_NEARLY_MAX_SPACING = MAX_SPACING * SPACING_DECAY**SUSTAINED_REQUESTS
"""The rest of the widest spacing after as many accepted requests as do not count as sustained."""


class Throttle:
    """Spaces requests, and holds them back while the target asks to wait. Thread-safe.

    `spacing` is the user's rate limit: the seconds between two requests, 0 for none. Rejections widen the spacing, up
    to the rate that the target was observed to accept; accepted requests narrow it again. If even the widest spacing
    does not help, it is switched off. `sleep` may return early, when the test run is over: then nothing is waited for.
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
        self._useless = 0
        self._min_spacing = spacing
        self._spacing = spacing
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._quiet_until = 0.0
        self._since = now()
        self._let_through = 0

    @property
    def spacing(self) -> float:
        """The current seconds between two requests."""
        return self._spacing

    def acquire(self, requests: int = 1) -> None:
        """Block until this many requests may be sent together."""
        with self._lock:
            now = self._now()
            slot = max(now, self._next, self._quiet_until)
            self._next = slot + requests * self._spacing
        if slot > now:
            self._sleep(slot - now)
        # The target may have asked to wait while this thread slept.
        while (remaining := self._quiet_until - (before := self._now())) > 0:
            self._sleep(remaining)
            if self._now() - before < remaining / 2:
                return

    def record_accepted(self) -> None:
        """Record that the target accepted a request."""
        with self._lock:
            self._let_through += 1
            self._spacing = max(self._min_spacing, self._spacing * SPACING_DECAY)

    def back_off(self, seconds: float) -> None:
        """Hold all requests for this long, because the target rejected one."""
        self._widen(seconds)
        wait = max(seconds, self._spacing)
        if wait >= 2 * self._notified:
            self._notified = wait
            self._on_wait(wait)

    def _widen(self, seconds: float) -> None:
        with self._lock:
            now = self._now()
            if now >= self._quiet_until:
                # The spacing that the target accepted on average. A wider one would only waste time.
                observed_spacing = (now + seconds - self._since) / max(1, self._let_through)
                if self._let_through == 0:
                    # Even the first request after the wait was rejected: the spacing is not the cause.
                    self._spacing = max(self._spacing, FIRST_SPACING)
                elif self._let_through < SUSTAINED_REQUESTS and self._spacing >= _NEARLY_MAX_SPACING:
                    self._useless += 1
                    if self._useless >= MAX_USELESS:
                        self._spacing = self._min_spacing
                elif self._let_through < SUSTAINED_REQUESTS and self._useless < MAX_USELESS:
                    wider = min(max(2 * self._spacing, FIRST_SPACING), observed_spacing, MAX_SPACING)
                    self._spacing = max(self._min_spacing, wider)
                self._since, self._let_through = now + seconds, 0
            self._quiet_until = max(self._quiet_until, now + seconds)
