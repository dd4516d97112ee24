"""A clock that moves only when somebody sleeps by it."""

from __future__ import annotations


class Clock:
    """Tells how long everybody slept."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.time += seconds
