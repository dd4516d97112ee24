"""Chooses what profile quick sends: programs and single steps, by the defects that they reveal for each request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from runs_conformance.engine.quick_plan import QuickProgram

MAX_REQUESTS, MAX_RUNS, RUN_COST = 224, 9, 20
"""The limits on what the chosen programs send, and the requests that a run counts as. The rest of the profile's 400
requests and 12 runs is for its start and for boundary programs.
"""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "auth": ("security.keys",),
    "tenancy": ("security.another_tenant",),
    "references": ("security.references",),
    "paging": ("lifecycle.pages_of_messages", "lifecycle.pages_of_runs", "lifecycle.pages_of_assistants"),
    "robustness": ("robustness.",),
    "lock": ("lifecycle.locked_", "lifecycle.two_rounds_of_tool_calls"),
    "cancel": ("lifecycle.cancel_",),
    "streaming": ("lifecycle.stream_",),
    "tools": ("lifecycle.stream_tool_call", "lifecycle.forced_tool_call", "lifecycle.two_"),
}
"""By topic, the beginnings of the ids of its programs. The profile has one of each topic."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The requests of a program on the emulator: all requests and runs, and its steps that may be omitted.

    `optional` maps the label of such a step to the labels of the optional steps that it refers to. `omitted` has the
    labels of steps that were omitted when this was measured.
    """

    requests: int
    runs: int
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Measurement:
    """The traces of programs, and by mutant the programs that reveal it, each with the steps that show the violation.

    A program without such steps reveals the mutant whatever is omitted. `alternatives` are traces of programs that omit
    the start of their run.
    """

    traces: Mapping[str, Trace]
    mutants: Mapping[str, Mapping[str, tuple[str, ...]]]
    alternatives: Mapping[str, Trace] = field(default_factory=dict)

    def without_runs(self) -> Measurement:
        """The measurement in which programs start no run that they can do without."""
        mutants: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, programs in self.mutants.items():
            # A mutant that other programs reveal, too, may be a defect of runs, such as a wrong lock.
            needs_run = not programs.keys() <= self.alternatives.keys()
            for id_, steps in programs.items():
                trace = self.alternatives.get(id_)
                left = steps if trace is None else tuple(label for label in steps if label in trace.optional)
                if trace is None or (left and not needs_run):
                    mutants.setdefault(name, {})[id_] = left
            mutants.setdefault(name, {})
        return Measurement({**self.traces, **self.alternatives}, mutants)

    def without(self, program: str) -> Measurement:
        """The measurement of all other programs."""
        mutants = {
            name: {id_: steps for id_, steps in programs.items() if id_ != program}
            for name, programs in self.mutants.items()
        }
        return Measurement({id_: trace for id_, trace in self.traces.items() if id_ != program}, mutants)


@dataclass(frozen=True, slots=True)
class _Extension:
    """Steps of a program, with those chosen before, and the mutants that they reveal in addition for each request."""

    program: str
    steps: frozenset[str]
    value: float


@dataclass(slots=True)
class Cover:
    """The chosen programs with their chosen optional steps, and the mutants that none of them reveals."""

    measurement: Measurement
    chosen: dict[str, frozenset[str]] = field(default_factory=dict)
    missed: dict[str, Mapping[str, tuple[str, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self.missed = dict(self.measurement.mutants)

    @property
    def requests(self) -> int:
        """The requests that the chosen programs send on the emulator."""
        return sum(self._base(id_) + len(steps) for id_, steps in self.chosen.items())

    @property
    def runs(self) -> int:
        """The runs that they start."""
        return sum(self.measurement.traces[id_].runs for id_ in self.chosen)

    def extend(self, candidates: Iterable[str]) -> bool:
        """Add the program, or the steps of a chosen one, that reveal most for their cost; False if none fits."""
        extensions = [self._best_extension(id_) for id_ in sorted(candidates)]
        for extension in sorted(extensions, key=lambda each: -each.value):
            if extension.value <= 0:
                return False
            before = self.chosen.get(extension.program)
            self.chosen[extension.program] = extension.steps
            if self.requests <= MAX_REQUESTS and self.runs <= MAX_RUNS:
                found = self._revealed(extension.program, extension.steps)
                self.missed = {name: programs for name, programs in self.missed.items() if name not in found}
                return True
            if before is None:
                del self.chosen[extension.program]
            else:
                self.chosen[extension.program] = before
        return False

    def programs(self) -> dict[str, QuickProgram]:
        """The plan: for each chosen program its costs, and the labels of what it omits."""
        plan = {}
        for id_, steps in self.chosen.items():
            trace = self.measurement.traces[id_]
            omitted = (frozenset(trace.optional) - steps) | trace.omitted
            plan[id_] = QuickProgram(self._base(id_) + len(steps), trace.runs, omitted)
        return plan

    def _base(self, id_: str) -> int:
        trace = self.measurement.traces[id_]
        return trace.requests - len(trace.optional)

    def _best_extension(self, id_: str) -> _Extension:
        """Add steps one after the other, and keep the beginning that reveals most for its cost."""
        before = self.chosen.get(id_)
        cost = 0 if before is not None else self._base(id_) + RUN_COST * self.measurement.traces[id_].runs
        options = {name: self._step_sets(id_, name) for name, programs in self.missed.items() if id_ in programs}
        steps: frozenset[str] = before or frozenset()
        best = _Extension(id_, steps, 0.0)
        while True:
            found = {name for name, sets in options.items() if any(each <= steps for each in sets)}
            value = len(found) / max(1, cost + len(steps - (before or frozenset())))
            if value > best.value:
                best = _Extension(id_, steps, value)
            additions: set[frozenset[str]] = set()
            for name in options.keys() - found:
                additions.update(each - steps for each in options[name])
            if not additions:
                return best
            gains = {each: self._gain(each, steps, options, found) for each in additions}
            best_addition: frozenset[str] = max(gains, key=gains.__getitem__)
            steps |= best_addition

    def _gain(
        self,
        addition: frozenset[str],
        steps: frozenset[str],
        options: Mapping[str, Collection[frozenset[str]]],
        found: Collection[str],
    ) -> tuple[float, list[str]]:
        gained = sum(
            any(each <= steps | addition for each in sets) for name, sets in options.items() if name not in found
        )
        return gained / len(addition), sorted(addition)

    def _revealed(self, id_: str, steps: frozenset[str]) -> set[str]:
        return {
            name
            for name, programs in self.missed.items()
            if id_ in programs and any(each <= steps for each in self._step_sets(id_, name))
        }

    def _step_sets(self, id_: str, mutant: str) -> list[frozenset[str]]:
        """The sets of optional steps of which any reveals a mutant; the empty one if no optional step is needed."""
        labels = self.measurement.mutants[mutant][id_]
        return [self._with_references(id_, label) for label in labels] or [frozenset()]

    def _with_references(self, id_: str, label: str) -> frozenset[str]:
        optional, open_, result = self.measurement.traces[id_].optional, [label], set[str]()
        while open_:
            next_label = open_.pop()
            if next_label in optional and next_label not in result:
                result.add(next_label)
                open_ += optional[next_label]
        return frozenset(result)


def derive(measurement: Measurement) -> Cover:
    """The best cover: all in all, a program with several runs may reveal less than others in its place."""
    measurement = measurement.without_runs()
    best = _fill(measurement)
    while True:
        costly = sorted(id_ for id_ in best.chosen if measurement.traces[id_].runs > 1)
        others = [_fill(measurement.without(id_)) for id_ in costly]
        complete = [each for each in others if _has_all_topics(each)]
        better = min(complete, key=lambda each: len(each.missed), default=best)
        if len(better.missed) >= len(best.missed):
            return best
        best, measurement = better, better.measurement


def _fill(measurement: Measurement) -> Cover:
    """Choose something of each topic, then whatever reveals most for its cost, until the limits are reached."""
    cover = Cover(measurement)
    for beginnings in TOPICS.values():
        if not any(id_.startswith(beginnings) for id_ in cover.chosen):
            cover.extend(id_ for id_ in measurement.traces if id_.startswith(beginnings))
    while cover.extend(measurement.traces):
        continue
    return cover


def _has_all_topics(cover: Cover) -> bool:
    return all(any(id_.startswith(beginnings) for id_ in cover.chosen) for beginnings in TOPICS.values())
