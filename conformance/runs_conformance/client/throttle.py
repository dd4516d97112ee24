"""The one gate that every request to a target passes, so that all workers together keep the rate it can bear."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST = 0.05
"""The seconds between two requests after a target has turned one away for the first time."""

PLENTY = 15
"""A target that took so many requests before it turned one away again is waited for, and not sent less."""

EASE = 0.98
"""Each request that is let through brings the requests closer together by this factor."""


class Throttle:
    """Spaces requests, and holds all of them while the target wants none.

    `spacing` is what the user allowed: the seconds between two requests, 0 for no limit. Where the target turns
    requests away they are spaced wider, at most as wide as the target was seen to bear, and closer again in time.
    """

    def __init__(
        self,
        spacing: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._least = spacing
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
        """The seconds between two requests, as they are spaced now."""
        return self._spacing

    def enter(self, requests: int = 1) -> None:
        """Wait for the turn of so many requests, which then may be sent at once."""
        with self._lock:
            now = self._now()
            turn = max(now, self._next, self._quiet_until)
            self._next = turn + requests * self._spacing
        if turn > now:
            self._sleep(turn - now)
        # Whoever waited for a turn when the target asked for quiet keeps quiet too.
        while (left := self._quiet_until - self._now()) > 0:
            self._sleep(left)

    def let_through(self) -> None:
        """The target took a request."""
        with self._lock:
            self._let_through += 1
            self._spacing = max(self._least, self._spacing * EASE)

    def hold(self, seconds: float) -> None:
        """The target turned a request away and wants none for so long."""
        with self._lock:
            now = self._now()
            if now >= self._quiet_until:
                # So much the target bore in this while. Spacing requests wider than that would only waste time.
                borne = (now + seconds - self._since) / max(1, self._let_through)
                if self._let_through == 0:
                    # Not even the first request after the wait was taken: the spacing has nothing to do with it.
                    self._spacing = max(self._spacing, FIRST)
                elif self._let_through < PLENTY:
                    self._spacing = max(self._least, min(max(2 * self._spacing, FIRST), borne))
                self._since, self._let_through = now + seconds, 0
            self._quiet_until = max(self._quiet_until, now + seconds)
