"""Progress of a test run: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from runs_conformance.model.plural import plural

INTERVAL = 5.0
"""Seconds between two lines without a terminal."""

LONG_WAIT = 10.0
"""Seconds without a response, and without a printed line, after which a line names the response."""

_MIN_DONE = 3
"""Programs after which the time left can be estimated."""

Printer = Callable[[str], None]


class SilentProgress:
    """Prints nothing."""

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Print nothing."""

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Print nothing."""

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Print nothing."""

    def close(self) -> None:
        """Print nothing."""

    def on_cleanup(self, leftovers: int) -> None:
        """Print nothing."""

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Print nothing."""

    def on_throttled(self, seconds: float) -> None:
        """Print nothing."""

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Print nothing."""


class LineProgress:
    """Prints a line every few seconds."""

    def __init__(self, say: Printer, every: float = INTERVAL, now: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._every = every
        self._now = now
        self._last = self._begun = now()
        self._standing = _Counter()

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Print what the programs take on a correct server, and the limits that hold on any server."""
        self._standing.programs = programs
        cost = f"at most {plural(requests, 'request')} and {plural(runs, 'run')} on a correct server"
        units = [plural(limit, unit) for limit, unit in zip(limits, ("request", "run"), strict=True) if limit]
        limit = f", {' and '.join(units)} on any server" if units else ""
        self._say(f"running {plural(programs, 'program')}: {cost}{limit}")

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Print what will be left on the target."""
        self._say(_undeletable_text(estimates))

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Print the progress if the last line is old enough."""
        text = self._standing.add(failing, requests, runs)
        now = self._now()
        if now - self._last >= self._every:
            self._last = now
            left = self._standing.estimate_left(now - self._begun)
            rest = f", {format_left(left)} left" if left is not None else ""
            self._say(f"{self._standing.done} of {self._standing.programs} programs, {text}{rest}")

    def close(self) -> None:
        """Print nothing."""

    def on_cleanup(self, leftovers: int) -> None:
        """Print what is being deleted."""
        self._say(_cleanup_text(leftovers))

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Print what could not be deleted."""
        self._say(_leftovers_text(leftovers))

    def on_throttled(self, seconds: float) -> None:
        """Print why nothing seems to happen."""
        self._say(_throttling_text(seconds))

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Print what is waited for, if nothing was printed for long."""
        now = self._now()
        if seconds >= LONG_WAIT and now - self._last >= LONG_WAIT:
            self._last = now
            self._say(_waiting_text(awaited, seconds))


class ProgressBar:
    """A live bar on standard error, removed when the test run ends."""

    def __init__(self, say: Printer) -> None:
        self._say = say
        self._standing = _Counter()
        self._progress: Any = None
        self._task: Any = None

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("programs  {task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=programs)
        self._progress.start()

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Print what will be left on the target."""
        self._say(_undeletable_text(estimates))

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Advance the bar."""
        if self._progress is not None:
            text = self._standing.add(failing, requests, runs)
            self._progress.update(self._task, completed=self._standing.done, description=text)

    def close(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()

    def on_cleanup(self, leftovers: int) -> None:
        """Print what is being deleted."""
        self._say(_cleanup_text(leftovers))

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Print what could not be deleted."""
        self._say(_leftovers_text(leftovers))

    def on_throttled(self, seconds: float) -> None:
        """Print why nothing seems to happen."""
        self._say(_throttling_text(seconds))

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Show what is waited for, if it takes long."""
        if self._progress is not None and seconds >= LONG_WAIT:
            self._progress.update(self._task, description=_waiting_text(awaited, seconds))


def format_left(seconds: float) -> str:
    """Format an estimated time in words that reflect its precision."""
    if seconds < 5:
        return "less than 5 s"
    return f"about {5 * round(seconds / 5)} s" if seconds < 60 else f"about {round(seconds / 60)} min"


def _cleanup_text(things: int) -> str:
    return f"deleting {things} {'object' if things == 1 else 'objects'} from the target"


def _leftovers_text(things: Sequence[str], limit: int = 3) -> str:
    more = f" and {len(things) - limit} more" if len(things) > limit else ""
    return f"left on the target: {', '.join(things[:limit])}{more}; `runs-conformance cleanup` tries again"


def _undeletable_text(estimates: Mapping[str, int]) -> str:
    kinds = " and ".join(f"no {kind}s" for kind in estimates)
    counts = " and ".join(plural(count, kind) for kind, count in estimates.items())
    return f"the target deletes {kinds}: about {counts} will be left on it"


def _throttling_text(seconds: float) -> str:
    return f"the target limits the rate (HTTP 429 or 503); refused requests are retried after {seconds:.0f} s"


def _waiting_text(awaited: str, seconds: float) -> str:
    return f"waiting for {awaited}, {seconds:.0f} s so far"


class _Counter:
    """Counts finished programs and failing ids; safe to call from any thread."""

    def __init__(self) -> None:
        self.programs = 0
        self.done = 0
        self._failing: set[str] = set()
        self._lock = threading.Lock()

    def estimate_left(self, elapsed: float) -> float | None:
        """The seconds left if the other programs take as long as those that are done; None if too few are done."""
        if self.done < _MIN_DONE or self.done >= self.programs:
            return None
        return elapsed / self.done * (self.programs - self.done)

    def add(self, failing: Collection[str], requests: int, runs: int) -> str:
        with self._lock:
            self.done += 1
            self._failing.update(failing)
            text = f"{requests:,} requests, {runs} runs"
            return f"{text}, {plural(len(self._failing), 'requirement')} failing" if self._failing else text
