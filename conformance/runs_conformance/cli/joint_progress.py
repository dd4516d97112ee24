"""The progress of a test run by several processes: sent by each of them, received and joined by the first one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.engine.plan_execution import ProgressListener
from runs_conformance.errors import ConformanceError
from runs_conformance.reporting.progress import SilentProgress

_NO_PLAN = (0, 0, 0, 0, 0)


class ProgressSender(SilentProgress):
    """Sends the progress of a process to the first one."""

    def __init__(self, index: int, events: Any) -> None:
        self._index, self._events = index, events

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Send the size of the plan."""
        self._events.put((self._index, "plan", (programs, requests, runs, *limits)))

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Send the estimates."""
        self._events.put((self._index, "undeletable", (dict(estimates),)))

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Send the failures and counts."""
        self._events.put((self._index, "judged", (list(failing), requests, runs)))

    def on_throttled(self, seconds: float) -> None:
        """Send the time that each request waits."""
        self._events.put((self._index, "throttled", (seconds,)))

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Send the response that has been pending longest."""
        self._events.put((self._index, "waiting", (awaited, seconds)))

    def on_cleanup(self, leftovers: int) -> None:
        """Send the number of objects."""
        self._events.put((self._index, "cleanup", (leftovers,)))

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Send the objects."""
        self._events.put((self._index, "leftovers", (list(leftovers),)))

    def on_error(self, error: ConformanceError) -> None:
        """Send the error that ended the process."""
        self._events.put((self._index, "error", (error,)))

    def on_end(self) -> None:
        """Send that nothing follows."""
        self._events.put((self._index, "end", ()))


@dataclass(slots=True)
class JointProgress:
    """The progress of all processes, passed on as that of one test run. `errors` are those that ended processes."""

    listener: ProgressListener
    jobs: int
    errors: list[ConformanceError] = field(default_factory=list)
    _plans: dict[int, Sequence[int | None]] = field(default_factory=dict)
    _early: list[tuple[int, str, Sequence[Any]]] = field(default_factory=list)
    _counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _has_reported_undeletable: bool = False

    def receive(self, index: int, kind: str, values: Sequence[Any]) -> None:
        """Pass an event of a process on, once the plans of all are known or will never be."""
        if kind == "error":
            self.errors.append(values[0])
        elif kind in ("plan", "end"):
            if index not in self._plans:
                self._plans[index] = values or _NO_PLAN
                if len(self._plans) == self.jobs:
                    self._announce()
        elif len(self._plans) < self.jobs:
            self._early.append((index, kind, values))
        else:
            self._pass_on(index, kind, values)

    def close(self) -> None:
        """Pass on what is left on the target, even if some process ended before it could plan."""
        early, self._early = self._early, []
        for index, kind, values in early:
            if kind == "leftovers":
                self._pass_on(index, kind, values)

    def _announce(self) -> None:
        programs, requests, runs, *limits = (
            None if None in column else sum(filter(None, column)) for column in zip(*self._plans.values(), strict=True)
        )
        if programs:
            self.listener.on_plan(programs, requests or 0, runs or 0, (limits[0], limits[1]))
        early, self._early = self._early, []
        for event in early:
            self._pass_on(*event)

    def _pass_on(self, index: int, kind: str, values: Sequence[Any]) -> None:
        if kind == "judged":
            failing, requests, runs = values
            self._counts[index] = (requests, runs)
            totals = [sum(counts) for counts in zip(*self._counts.values(), strict=True)]
            self.listener.on_program_judged(failing, *totals)
        elif kind == "throttled":
            self.listener.on_throttled(*values)
        elif kind == "waiting":
            self.listener.on_waiting(*values)
        elif kind == "cleanup":
            self.listener.on_cleanup(*values)
        elif kind == "leftovers":
            self.listener.on_leftovers(*values)
        elif kind == "undeletable" and not self._has_reported_undeletable:
            self._has_reported_undeletable = True
            self.listener.on_undeletable({name: self.jobs * count for name, count in values[0].items()})
