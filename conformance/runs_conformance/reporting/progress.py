"""How a run goes, while it goes: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""

Say = Callable[[str], None]


class Silent:
    """Says nothing."""

    def planned(self, programs: int, requests: int, runs: int) -> None:
        """A run begins that will take at most so much."""

    def ended(self, failing: Collection[str], requests: int, runs: int) -> None:
        """A program was judged and these ids failed; the counts are of the whole run so far."""

    def close(self) -> None:
        """The run is over."""

    def cleaning(self, things: int) -> None:
        """So many objects are still on the target and are deleted now."""

    def leaving(self, things: Sequence[str]) -> None:
        """These objects stay on the target: they could not be deleted."""


class Lines:
    """A line every few seconds."""

    def __init__(self, say: Say, every: float = EVERY, now: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._every = every
        self._now = now
        self._last = now()
        self._standing = _Standing()

    def planned(self, programs: int, requests: int, runs: int) -> None:
        """Say what is going to happen."""
        self._standing.programs = programs
        self._say(f"playing {programs} programs: at most {requests:,} requests and {runs} runs")

    def ended(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Say how far it is, now and then."""
        text = self._standing.after(failing, requests, runs)
        if self._now() - self._last >= self._every:
            self._last = self._now()
            self._say(f"{self._standing.done} of {self._standing.programs} programs, {text}")

    def close(self) -> None:
        """Nothing is left to say."""

    def cleaning(self, things: int) -> None:
        """Say what takes its time now."""
        self._say(_cleaning(things))

    def leaving(self, things: Sequence[str]) -> None:
        """Say what stays."""
        self._say(_leaving(things))


class Bar:
    """A live bar on a terminal's standard error, gone when the run is over."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._standing = _Standing()
        self._progress: Any = None
        self._task: Any = None

    def planned(self, programs: int, requests: int, runs: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("programs  {task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=programs)
        self._progress.start()

    def ended(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Move the bar."""
        if self._progress is not None:
            text = self._standing.after(failing, requests, runs)
            self._progress.update(self._task, completed=self._standing.done, description=text)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def cleaning(self, things: int) -> None:
        """Say what takes its time now."""
        self._say(_cleaning(things))

    def leaving(self, things: Sequence[str]) -> None:
        """Say what stays."""
        self._say(_leaving(things))


def _cleaning(things: int) -> str:
    return f"deleting {things} {'object' if things == 1 else 'objects'} from the target"


def _leaving(things: Sequence[str], most: int = 3) -> str:
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return f"left on the target: {', '.join(things[:most])}{more}; `runs-conformance cleanup` tries again"


class _Standing:
    """How far a run is; told from any thread."""

    def __init__(self) -> None:
        self.programs = 0
        self.done = 0
        self._failing: set[str] = set()
        self._lock = threading.Lock()

    def after(self, failing: Collection[str], requests: int, runs: int) -> str:
        with self._lock:
            self.done += 1
            self._failing.update(failing)
            text = f"{requests:,} requests, {runs} runs"
            return f"{text}, {len(self._failing)} failing" if self._failing else text
