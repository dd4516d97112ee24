"""The emulator's clock, which tests can move."""

from __future__ import annotations

import time


class Clock:
    """Unix time that never runs backwards, plus the seconds by which it was `advanced`."""

    def __init__(self) -> None:
        self._base = time.time() - time.monotonic()
        self.advanced = 0.0

    def now(self) -> float:
        """The current time in seconds."""
        return self._base + time.monotonic() + self.advanced

    def advance(self, seconds: float) -> None:
        """Move the clock ahead."""
        self.advanced += seconds
