"""Executes a plan with several workers, judges each program as it ends, and merges the results."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from runs_conformance.engine.budget import Budget, Counts
from runs_conformance.engine.capabilities import StatsByOperation, collect_stats, merge_stats
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.counterexample import counterexamples, smaller_counterexample
from runs_conformance.engine.judge import Judge, judge
from runs_conformance.engine.plan import EXPLORATION_PHASE, Plan
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import Sender, run_program
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.resources import delete_leftovers, track_resources
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation
from runs_conformance.engine.verdicts import limit_findings
from runs_conformance.errors import ConformanceError
from runs_conformance.evidence.timeline import Transitions, transitions
from runs_conformance.evidence.timeline import most_frequent as fewest
from runs_conformance.evidence.timeline import runs as run_timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Tally, merge_tallies

JOIN_TIMEOUT = 2.0
"""Seconds that workers get to finish after an interrupt."""


class ProgressListener(Protocol):
    """Receives the progress of a test run, from any thread."""

    def on_plan(self, programs: int, requests: int, runs: int) -> None:
        """The test run starts; the arguments are upper estimates."""
        ...

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """A program was judged and these ids failed; `requests` and `runs` are totals so far."""
        ...

    def close(self) -> None:
        """The test run has ended."""
        ...

    def on_cleanup(self, things: int) -> None:
        """The cleanup starts to delete this number of objects."""
        ...

    def on_leftovers(self, things: Sequence[str]) -> None:
        """These objects could not be deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Judges:
    """The rules and constraint judges, and how strictly they read a history.

    `gap` says what is missing from a partial history.
    """

    rules: Mapping[str, AnyRule]
    constraint_judges: tuple[tuple[str, Judge], ...] = ()
    strict: bool = False
    partial: bool = False
    gap: str = ""

    def tallies(self, program: str, exchanges: Sequence[Exchange]) -> tuple[History, dict[str, Tally]]:
        """Build the history of a program and judge it."""
        history = History.of(exchanges, program, self.strict, self.partial, self.gap)
        return history, judge(history, self.rules, self.constraint_judges)

    def only(self, id_: str) -> Judges:
        """Return the judges restricted to one id."""
        if id_ in self.rules:
            return replace(self, rules={id_: self.rules[id_]}, constraint_judges=())
        return replace(self, rules={})


@dataclass(frozen=True, slots=True)
class ExploredViolation:
    """A violation found by a random program, with the steps that show it."""

    program: str
    reproduction: Reproduction
    violation: ReproducedViolation


@dataclass(frozen=True, slots=True)
class ProgramVerdicts:
    """The results of judging one program. Its history is no longer in memory."""

    program: str
    tallies: Mapping[str, Tally]
    counterexamples: Mapping[str, JSON]
    operation_stats: StatsByOperation
    internal_error: str | None = None
    end: ProgramEnd | None = None
    explored_violations: Mapping[str, ExploredViolation] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)
    last_statuses: Counter[str] = field(default_factory=Counter)

    @property
    def decided(self) -> frozenset[str]:
        """The ids that this program decides by itself."""
        return frozenset(id_ for id_, tally in self.tallies.items() if tally.is_decided)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The merged results of a test run, and how it ended.

    `explored_violations` were found only by random programs; their counterexamples can be shrunk. `ends` says how each
    program of the plan ended, `decided` which ids each program decided, `failed` which of them with findings.
    `last_statuses` counts the runs by the last status that a response showed.
    """

    tallies: Mapping[str, Tally]
    counterexamples: Mapping[str, JSON]
    operation_stats: StatsByOperation
    counts: Counts
    program_ids: tuple[str, ...]
    internal_errors: tuple[str, ...] = ()
    cut_reason: str | None = None
    interrupted: bool = False
    explored_violations: Mapping[str, ExploredViolation] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Counter)
    limits: tuple[Limit, ...] = ()
    ends: tuple[ProgramEnd, ...] = ()
    decided: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    last_statuses: Counter[str] = field(default_factory=Counter)


def judge_program(
    program: str,
    exchanges: Sequence[Exchange],
    judges: Judges,
    no_route_signature: str | None = None,
    *,
    explored: bool = False,
) -> ProgramVerdicts:
    """Judge the exchanges of one program. An internal error is returned, not raised."""
    try:
        history, tallies = judges.tallies(program, exchanges)
        failed = {id_: tally for id_, tally in tallies.items() if tally.findings} if explored else {}
        # Shrinking removes single steps, so it needs them in sequence.
        reproduction = Reproduction(Reproduction.of(exchanges).steps if failed else ())
        return ProgramVerdicts(
            program=program,
            tallies={id_: limit_findings(tally) for id_, tally in tallies.items()},
            counterexamples=counterexamples(history, tallies),
            operation_stats=collect_stats(exchanges, no_route_signature),
            explored_violations={
                id_: ExploredViolation(program, reproduction, ReproducedViolation(history, tally))
                for id_, tally in failed.items()
            },
            transitions=transitions(history),
            last_statuses=Counter(run.last.status for run in run_timelines(history)),
        )
    except Exception as error:
        return ProgramVerdicts(
            program, {}, {}, {}, internal_error=f"judging {program} raised {type(error).__name__}: {error}"
        )


def run_plan(
    plan: Plan,
    context: ProgramContext,
    sender: Sender,
    collector: Collector,
    judges: Judges,
    budget: Budget,
    *,
    schedule: PollSchedule,
    listener: ProgressListener,
    workers: int = 2,
    cleans_up: bool = True,
    no_route_signature: str | None = None,
    earlier: Iterable[ProgramVerdicts] = (),
) -> RunResult:
    """Execute and judge every program of the plan.

    `earlier` holds results from before the plan (the preflight). A keyboard interrupt, or a history that cannot be
    written, ends the test run early; the result says so and covers what was judged until then. With `cleans_up`, the
    objects of each program are deleted when it ends, except for programs that the interrupt ended.
    """
    work = _WorkerPool(
        plan, context, sender, collector, judges, budget, schedule, listener, cleans_up, no_route_signature
    )
    # Wait for events, not threads: an interrupted join() marks its thread as ended.
    ends = [threading.Event() for _ in range(max(1, workers))]
    interrupted = False
    listener.on_plan(len(plan.programs), plan.requests, plan.runs)
    try:
        for number, end in enumerate(ends):
            threading.Thread(target=work._run_worker, args=(end,), name=f"worker-{number}", daemon=True).start()
        for end in ends:
            while not end.wait(0.2):
                pass
    except KeyboardInterrupt:
        interrupted = True
        budget.stop("interrupted")
        work.join_workers(ends)
    finally:
        listener.close()
    if interrupted or work.fatal_error:
        work.judge_unfinished()
    return merge_results([*earlier, *work.results_in_order()], budget, interrupted, work.fatal_error)


def merge_results(
    results: Sequence[ProgramVerdicts], budget: Budget, interrupted: bool = False, cut_reason: str | None = None
) -> RunResult:
    """Merge the results of programs; `cut_reason` says why the whole test run ended early."""
    examples: dict[str, JSON] = {}
    for result in results:
        for id_, example in result.counterexamples.items():
            examples[id_] = smaller_counterexample(examples[id_], example) if id_ in examples else example
    budget.counts.seconds = round(budget.elapsed, 3)
    ends = tuple(result.end for result in results if result.end is not None)
    return RunResult(
        tallies=merge_tallies(result.tallies for result in results),
        counterexamples=examples,
        operation_stats=merge_stats(result.operation_stats for result in results),
        counts=budget.counts,
        program_ids=tuple(result.program for result in results),
        internal_errors=tuple(result.internal_error for result in results if result.internal_error),
        cut_reason=cut_reason
        or next((end.cause for end in ends if end.ending in (Ending.CUT, Ending.NOT_STARTED)), None),
        interrupted=interrupted,
        explored_violations=_shortest_violations(results),
        transitions=fewest(sum((result.transitions for result in results), Counter())),
        ends=ends,
        decided={result.program: result.decided for result in results},
        failed={result.program: frozenset(i for i, t in result.tallies.items() if t.findings) for result in results},
        last_statuses=sum((result.last_statuses for result in results), Counter()),
    )


def _shortest_violations(results: Sequence[ProgramVerdicts]) -> dict[str, ExploredViolation]:
    """Return the violations found only by random programs, each with its shortest reproduction."""
    found_otherwise = {
        id_
        for result in results
        if not result.explored_violations
        for id_, tally in result.tallies.items()
        if tally.findings
    }
    shortest: dict[str, ExploredViolation] = {}
    for result in results:
        for id_, explored in result.explored_violations.items():
            if id_ in found_otherwise:
                continue
            if id_ not in shortest or _step_count(explored) < _step_count(shortest[id_]):
                shortest[id_] = explored
    return shortest


def _step_count(explored: ExploredViolation) -> int:
    return len(explored.reproduction.steps)


def clean_up_program(program: str, exchanges: Sequence[Exchange], sender: Sender, collector: Collector) -> None:
    """Delete what a program created. Failed deletions are tried again at the end of the test run."""
    things = track_resources(exchanges, collector.tracker.protected).leftovers()
    delete_leftovers(lambda: things, sender, f"{program}/cleanup", max_unanswered=1)
    collector.take(f"{program}/cleanup")


@dataclass(slots=True)
class _WorkerPool:
    """The queue of programs and the results so far, shared by the workers."""

    plan: Plan
    context: ProgramContext
    sender: Sender
    collector: Collector
    judges: Judges
    budget: Budget
    schedule: PollSchedule
    listener: ProgressListener
    cleans_up: bool
    no_route_signature: str | None
    results: dict[str, ProgramVerdicts] = field(default_factory=dict)
    fatal_error: str | None = None
    todo: queue.SimpleQueue[Program] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        for program in self.plan.programs:
            self.todo.put(program)

    def _run_worker(self, end: threading.Event) -> None:
        """Drain the queue, then set `end`."""
        try:
            self._drain_queue()
        finally:
            end.set()

    def _drain_queue(self) -> None:
        """Execute programs until the queue is empty."""
        while True:
            try:
                program = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.results[program.id] = self._one(program)
            except ConformanceError as error:
                self.fatal_error = str(error)
                self.budget.stop(self.fatal_error)
                return
            except Exception as error:
                # After the test run has ended, the session and the history may already be closed.
                if self.budget.stop_reason is None:
                    fault = f"playing {program.id} raised {type(error).__name__}: {error}"
                    self.results[program.id] = ProgramVerdicts(program.id, {}, {}, {}, internal_error=fault)

    def _one(self, program: Program) -> ProgramVerdicts:
        played = run_program(program, self.context, self.sender, self.budget, self.schedule)
        exchanges = self.collector.take(program.id)
        if played.end.disconnected and self.budget.stop_reason is None:
            # A connection may fail for reasons of its own, and must not hide what the rest of the program shows.
            played = run_program(program, self.context, self.sender, self.budget, self.schedule)
            exchanges += self.collector.take(program.id)
        explored = program.phase == EXPLORATION_PHASE
        result = judge_program(program.id, exchanges, self.judges, self.no_route_signature, explored=explored)
        if self.cleans_up and self.budget.stop_reason is None:
            clean_up_program(program.id, exchanges, self.sender, self.collector)
        failing = {id_ for id_, tally in result.tallies.items() if tally.findings}
        self.listener.on_program_judged(failing, self.budget.counts.requests, self.budget.counts.runs_started)
        return replace(result, internal_error=played.internal_error or result.internal_error, end=played.end)

    def judge_unfinished(self) -> None:
        """Judge the programs whose worker is still waiting for a response, and mark those that did not start."""
        reason = self.budget.stop_reason or "the test run ended early"
        for program in self.plan.programs:
            if program.id in self.results:
                continue
            exchanges = self.collector.take(program.id)
            end = ProgramEnd(program.id, Ending.CUT if exchanges else Ending.NOT_STARTED, reason)
            result = judge_program(program.id, exchanges, self.judges, self.no_route_signature)
            self.results[program.id] = replace(result, end=end)

    def results_in_order(self) -> list[ProgramVerdicts]:
        """Return the results in the order of the plan, independent of the speed of the workers."""
        return [self.results[program.id] for program in self.plan.programs if program.id in self.results]

    def join_workers(self, ends: Sequence[threading.Event], grace: float = JOIN_TIMEOUT) -> None:
        """Wait for the workers to end; a worker that hangs in a request is abandoned."""
        for end in ends:
            end.wait(grace / len(ends))
