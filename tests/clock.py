"""A clock that advances only by sleeping."""

from __future__ import annotations

from runs_conformance.engine.polling import PollSchedule


class SleepClock:
    """Records every sleep."""

    def __init__(self, time: float = 1000.0) -> None:
        self.time = time
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.time += seconds

    @property
    def schedule(self) -> PollSchedule:
        """A schedule that polls by this clock."""
        return PollSchedule(sleep=self.sleep, now=self.now)
