"""A line on a terminal that says how far `judge` has come, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from runs_conformance.cli.live_line import LiveLine

FIRST_AFTER_S = 2.0


class JudgingProgress:
    """Shows on a terminal how many exchanges were judged, unless that takes less than two seconds."""

    def __init__(self, line: LiveLine | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._line = LiveLine() if line is None else line
        self._now = now
        self._first: tuple[float, int] | None = None
        self._started = now()

    def show(self, done: int, total: int) -> None:
        """Show that `done` of `total` exchanges were judged. The estimate leaves out the reading before the first."""
        moment = self._now()
        since, before = self._first = self._first or (moment, done)
        if moment - self._started < FIRST_AFTER_S:
            return
        rate = (done - before) / (moment - since) if moment > since else 0.0
        left = f", {_duration((total - done) / rate)} left" if rate > 0 and done < total else ""
        self._line.show(f"judged {done:,} of {total:,} exchanges{left}")

    def clear(self) -> None:
        """Remove the line."""
        self._line.clear()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
