"""Plays a plan with several workers, judges each program as it ends, and folds what came of it."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import Surface, folded, surface
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.counterexample import counterexamples, smaller
from runs_conformance.engine.judge import Judge, judge
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.program_runner import Sender, play
from runs_conformance.engine.replay import Case
from runs_conformance.engine.resources import ledger, sweep
from runs_conformance.engine.shrinking.shrinker import Shown
from runs_conformance.engine.verdicts import bounded
from runs_conformance.errors import ConformanceError
from runs_conformance.evidence.transition import Transitions, transitions
from runs_conformance.evidence.transition import bounded as fewest
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Program, Setting
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Tally, fold

EXPLORE = "explore"
"""The phase whose programs are random, so that what they find is worth making smaller."""

GRACE = 2.0
"""Seconds that workers get, after an interruption, to hand in what they have."""


class Watcher(Protocol):
    """Is told how a run goes, from any thread."""

    def planned(self, programs: int, requests: int, runs: int) -> None:
        """A run begins that will take at most so much."""
        ...

    def ended(self, failing: Collection[str], requests: int, runs: int) -> None:
        """A program was judged and these ids failed; the counts are of the whole run so far."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...

    def cleaning(self, things: int) -> None:
        """So many objects are still on the target and are deleted now."""
        ...

    def leaving(self, things: Sequence[str]) -> None:
        """These objects stay on the target: they could not be deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Judging:
    """What histories are judged by."""

    rules: Mapping[str, AnyRule]
    judges: tuple[tuple[str, Judge], ...] = ()
    strict: bool = False
    partial: bool = False

    def tallies(self, program: str, exchanges: Sequence[Exchange]) -> tuple[History, dict[str, Tally]]:
        """The history that these exchanges make, and what it shows."""
        history = History.of(exchanges, program, self.strict, self.partial)
        return history, judge(history, self.rules, self.judges)

    def only(self, id_: str) -> Judging:
        """What one id is judged by."""
        if id_ in self.rules:
            return replace(self, rules={id_: self.rules[id_]}, judges=())
        return replace(self, rules={})


@dataclass(frozen=True, slots=True)
class Found:
    """A violation that random steps came upon: the program, its steps, and what they showed."""

    program: str
    case: Case
    shown: Shown


@dataclass(frozen=True, slots=True)
class Judged:
    """What one history came to; the history itself is no longer held."""

    program: str
    tallies: Mapping[str, Tally]
    examples: Mapping[str, JSON]
    surface: Surface
    fault: str | None = None
    cut: str | None = None
    found: Mapping[str, Found] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Course:
    """How a whole run went: what all its histories came to, and how it ended.

    `found` are the violations that only random steps came upon, whose counterexamples can be made smaller.
    """

    tallies: Mapping[str, Tally]
    examples: Mapping[str, JSON]
    surface: Surface
    counts: Counts
    played: tuple[str, ...]
    faults: tuple[str, ...] = ()
    cut: str | None = None
    interrupted: bool = False
    found: Mapping[str, Found] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)
    limits: tuple[Limit, ...] = ()


def judged(
    played_as: str,
    exchanges: Sequence[Exchange],
    judging: Judging,
    no_route: str | None = None,
    *,
    explored: bool = False,
) -> Judged:
    """What one history comes to. An error of ours is its fault, never raised."""
    try:
        history, tallies = judging.tallies(played_as, exchanges)
        broken = {id_: tally for id_, tally in tallies.items() if tally.findings} if explored else {}
        case = Case.of(exchanges) if broken else Case(())
        return Judged(
            program=played_as,
            tallies={id_: bounded(tally) for id_, tally in tallies.items()},
            examples=counterexamples(history, tallies),
            surface=surface(exchanges, no_route),
            found={id_: Found(played_as, case, Shown(history, tally)) for id_, tally in broken.items()},
            transitions=transitions(history),
        )
    except Exception as error:
        return Judged(played_as, {}, {}, {}, fault=f"judging {played_as} raised {type(error).__name__}: {error}")


def run(
    plan: Plan,
    setting: Setting,
    sender: Sender,
    collector: Collector,
    judging: Judging,
    budget: Budget,
    *,
    pace: Pace,
    watcher: Watcher,
    workers: int = 2,
    tidies: bool = True,
    no_route: str | None = None,
    already: Iterable[Judged] = (),
) -> Course:
    """Play and judge every program of the plan.

    `already` is what was judged before (the preflight). An interruption from the keyboard, or a history that cannot be
    written any more, ends the run early: the course then says so and holds what was judged until then. What programs
    created is deleted as each ends, but for those that the interruption ended.
    """
    work = _Work(plan, setting, sender, collector, judging, budget, pace, watcher, tidies, no_route)
    # Not the threads themselves are waited for: a join that is interrupted takes its thread for ended.
    ends = [threading.Event() for _ in range(max(1, workers))]
    interrupted = False
    watcher.planned(len(plan.programs), plan.requests, plan.runs)
    try:
        for number, end in enumerate(ends):
            threading.Thread(target=work.until_the, args=(end,), name=f"worker-{number}", daemon=True).start()
        for end in ends:
            while not end.wait(0.2):
                pass
    except KeyboardInterrupt:
        interrupted = True
        budget.stop("interrupted")
        work.hand_in(ends)
    finally:
        watcher.close()
    if interrupted or work.broken:
        work.take_the_rest()
    return course([*already, *work.in_order()], budget, interrupted, work.broken)


def course(results: Sequence[Judged], budget: Budget, interrupted: bool = False, cut: str | None = None) -> Course:
    """What all these results come to together; `cut` is what ended the whole run early."""
    examples: dict[str, JSON] = {}
    for result in results:
        for id_, example in result.examples.items():
            examples[id_] = smaller(examples[id_], example) if id_ in examples else example
    budget.counts.seconds = round(budget.elapsed, 3)
    return Course(
        tallies=fold(result.tallies for result in results),
        examples=examples,
        surface=folded(result.surface for result in results),
        counts=budget.counts,
        played=tuple(result.program for result in results),
        faults=tuple(result.fault for result in results if result.fault),
        cut=cut or next((result.cut for result in results if result.cut), None),
        interrupted=interrupted,
        found=_found(results),
        transitions=fewest(sum((result.transitions for result in results), Counter())),
    )


def _found(results: Sequence[Judged]) -> dict[str, Found]:
    """The violations that only random steps came upon, each where fewest steps were needed to."""
    otherwise = {
        id_ for result in results for id_, tally in result.tallies.items() if tally.findings and not result.found
    }
    best: dict[str, Found] = {}
    for result in results:
        for id_, found in result.found.items():
            if id_ not in otherwise and (id_ not in best or len(found.case) < len(best[id_].case)):
                best[id_] = found
    return best


def tidy(program: str, exchanges: Sequence[Exchange], sender: Sender, collector: Collector) -> None:
    """Clean up after a program; what a target does not delete now is tried once more at the end of the run."""
    things = ledger(exchanges, collector.ledger.spared).left()
    sweep(lambda: things, sender, f"{program}/cleanup", silences=1)
    collector.take(f"{program}/cleanup")


@dataclass(slots=True)
class _Work:
    """The queue of programs, and what the workers have made of them so far."""

    plan: Plan
    setting: Setting
    sender: Sender
    collector: Collector
    judging: Judging
    budget: Budget
    pace: Pace
    watcher: Watcher
    tidies: bool
    no_route: str | None
    results: dict[str, Judged] = field(default_factory=dict)
    broken: str | None = None
    todo: queue.SimpleQueue[Program] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        for program in self.plan.programs:
            self.todo.put(program)

    def until_the(self, end: threading.Event) -> None:
        """Play programs until none is left, and say that this was the end."""
        try:
            self.through()
        finally:
            end.set()

    def through(self) -> None:
        """Play programs until none is left."""
        while True:
            try:
                program = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.results[program.id] = self._one(program)
            except ConformanceError as error:
                self.broken = str(error)
                self.budget.stop(self.broken)
                return
            except Exception as error:
                # After the end of the run there may be nothing left to send with or to write to.
                if self.budget.stopped is None:
                    fault = f"playing {program.id} raised {type(error).__name__}: {error}"
                    self.results[program.id] = Judged(program.id, {}, {}, {}, fault=fault)

    def _one(self, program: Program) -> Judged:
        played = play(program, self.setting, self.sender, self.budget, self.pace)
        exchanges = self.collector.take(program.id)
        explored = program.phase == EXPLORE
        result = judged(program.id, exchanges, self.judging, self.no_route, explored=explored)
        if self.tidies and self.budget.stopped is None:
            tidy(program.id, exchanges, self.sender, self.collector)
        failing = {id_ for id_, tally in result.tallies.items() if tally.findings}
        self.watcher.ended(failing, self.budget.counts.requests, self.budget.counts.runs_started)
        return replace(result, fault=played.fault or result.fault, cut=played.cut)

    def take_the_rest(self) -> None:
        """Judge what programs have shown whose worker is still waiting for an answer."""
        for program in self.plan.programs:
            exchanges = () if program.id in self.results else self.collector.take(program.id)
            if exchanges:
                self.results[program.id] = judged(program.id, exchanges, self.judging, self.no_route)

    def in_order(self) -> list[Judged]:
        """The results in the order of the plan, so that they do not depend on which worker was faster."""
        return [self.results[program.id] for program in self.plan.programs if program.id in self.results]

    def hand_in(self, ends: Sequence[threading.Event], grace: float = GRACE) -> None:
        """Wait a moment for workers to end; those that hang in a request are left behind."""
        for end in ends:
            end.wait(grace / len(ends))
