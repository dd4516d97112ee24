"""Executes a plan with several workers, and judges each program as it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import Signature
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.forecast import search_share
from runs_conformance.engine.pending_steps import PendingSteps
from runs_conformance.engine.plan import FUZZING_PHASE, Plan
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import ProgramResult, Sender, aborted_program_end, run_program
from runs_conformance.engine.program_verdicts import (
    CLEANUP_SUFFIX,
    HistoryJudge,
    ProgramVerdicts,
    judge_program,
    with_cleanup,
)
from runs_conformance.engine.resources import delete_leftovers, track_resources
from runs_conformance.errors import ConformanceError
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Program, ProgramContext

MAX_EXECUTIONS = 4
"""How often a program is executed if the target is restarted each time."""

JOIN_TIMEOUT = 2.0
"""Seconds that workers get to finish after an interrupt."""


class ProgressListener(Protocol):
    """Receives the progress of a test run, from any thread."""

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Called when the test run starts.

        `requests` and `runs` are the most that it takes on a correct server, `limits` the most of both on any server.
        """
        ...

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Called for kinds of objects that the target cannot delete, each with the number that will stay on it."""
        ...

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Called when a program was judged, with the ids that it failed; `requests` and `runs` are totals so far."""
        ...

    def close(self) -> None:
        """Called when the test run has ended."""
        ...

    def on_cleanup(self, leftovers: int) -> None:
        """Called when the cleanup starts, with the number of objects to delete."""
        ...

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Called with the objects that could not be deleted."""
        ...

    def on_throttled(self, seconds: float) -> None:
        """Called when the target refuses requests for their rate: each request now waits `seconds`."""
        ...

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Called several times a second with the response that has been pending longest."""
        ...


def run_plan(
    plan: Plan,
    context: ProgramContext,
    sender: Sender,
    collector: Collector,
    history_judge: HistoryJudge,
    budget: Budget,
    *,
    schedule: PollSchedule,
    listener: ProgressListener,
    workers: int = 2,
    cleans_up: bool = True,
    no_route: Collection[Signature] = (),
    other_results: Iterable[ProgramVerdicts] = (),
) -> RunResult:
    """Execute and judge every program of the plan.

    `other_results` holds results of what belongs to no program of the plan, such as the preflight; it is iterated over
    at the end. A keyboard interrupt, or a history that cannot be written, ends the test run early; the result says so
    and covers what was judged until then. With `cleans_up`, the objects of each program are deleted when it ends,
    except for programs that the interrupt ended.
    """
    pending = PendingSteps(sender)
    pool = _WorkerPool(
        plan, context, pending, collector, history_judge, budget, schedule, listener, cleans_up, no_route
    )
    # Wait for events, not threads: an interrupted join() marks its thread as ended.
    ends = [threading.Event() for _ in range(max(1, workers))]
    interrupted = False
    limits = tuple(limit and limit[0] for limit in (budget.request_limit, budget.run_limit))
    before = search_share(plan)
    requests, runs = plan.requests + before.requests, plan.runs + before.runs
    listener.on_plan(len(plan.programs), requests, runs, (limits[0], limits[1]))
    try:
        for number, end in enumerate(ends):
            threading.Thread(target=pool.run_worker, args=(end,), name=f"worker-{number}", daemon=True).start()
        for end in ends:
            while not end.wait(0.2):
                if (longest := pending.longest()) is not None:
                    listener.on_waiting(*longest)
    except KeyboardInterrupt:
        interrupted = True
        budget.stop("interrupted")
        pool.join_workers(ends)
    finally:
        listener.close()
    if interrupted or pool.fatal_error:
        pool.judge_unfinished()
    result = merge_results([*other_results, *pool.results_in_order()], budget, interrupted, pool.fatal_error)
    if interrupted or result.early_end_reason:
        return result
    return replace(result, early_end_reason=budget.unresponsive_problem)


def clean_up_program(
    program: str, exchanges: Sequence[Exchange], sender: Sender, collector: Collector
) -> Sequence[Exchange]:
    """Delete what a program created, and return the exchanges. Failed deletions are tried again at the end.

    A server that was restarted may have given an id again, to an object of another program.
    """
    tracker, programs = collector.tracker, {exchange.program for exchange in exchanges}
    created = track_resources(exchanges, tracker.protected).leftovers()
    leftovers = [each for each in created if not tracker.may_belong_to_others(each.id, programs)]
    name = f"{program}{CLEANUP_SUFFIX}"
    delete_leftovers(lambda: leftovers, sender, name, max_unanswered=1)
    return collector.take(name)


@dataclass(slots=True)
class _WorkerPool:
    """The queue of programs and the results so far, shared by the workers."""

    plan: Plan
    context: ProgramContext
    sender: Sender
    collector: Collector
    history_judge: HistoryJudge
    budget: Budget
    schedule: PollSchedule
    listener: ProgressListener
    cleans_up: bool
    no_route: Collection[Signature]
    results: dict[str, ProgramVerdicts] = field(default_factory=dict)
    fatal_error: str | None = None
    pending: queue.SimpleQueue[Program] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        for program in self.plan.programs:
            self.pending.put(program)

    def run_worker(self, end: threading.Event) -> None:
        """Drain the queue, then set `end`."""
        try:
            self._drain_queue()
        finally:
            end.set()

    def _drain_queue(self) -> None:
        """Execute programs until the queue is empty."""
        while True:
            try:
                program = self.pending.get_nowait()
            except queue.Empty:
                return
            try:
                self.results[program.id] = self._run_and_judge(program)
            except ConformanceError as error:
                self.fatal_error = str(error)
                self.budget.stop(self.fatal_error)
                return
            except Exception as error:
                # After the test run has ended, the session and the history may already be closed.
                if self.budget.stop_reason is None:
                    message = f"running {program.id} raised {type(error).__name__}: {error}"
                    self.results[program.id] = ProgramVerdicts(program.id, {}, {}, {}, internal_error=message)

    def _run_and_judge(self, program: Program) -> ProgramVerdicts:
        execution = run_program(program, self.context, self.sender, self.budget, self.schedule)
        exchanges = self.collector.take(program.id)
        executions = 1
        while self._should_repeat(execution, executions):
            # A connection may fail for reasons of its own, and must not hide what the rest of the program shows.
            # A restarted target may use the ids of its lost objects again: these are not judged with the others.
            earlier = [] if execution.target_restarted else exchanges
            execution = run_program(program, self.context, self.sender, self.budget, self.schedule)
            exchanges = earlier + self.collector.take(program.id)
            executions += 1
        fuzzed = program.phase == FUZZING_PHASE
        result = judge_program(program.id, exchanges, self.history_judge, self.no_route, fuzzed=fuzzed)
        if self.cleans_up and not self.budget.is_over:
            cleanup = clean_up_program(program.id, exchanges, self.sender, self.collector)
            result = with_cleanup(result, cleanup, self.no_route)
        if self.budget.forecast is not None:
            self.budget.forecast.release(program.id)
        failing = {id_ for id_, tally in result.tallies.items() if tally.findings}
        self.listener.on_program_judged(failing, self.budget.counts.requests, self.budget.counts.runs_started)
        return replace(
            result,
            internal_error=execution.internal_error or result.internal_error,
            end=execution.end,
            without_route=result.without_route | execution.without_route,
        )

    def _should_repeat(self, execution: ProgramResult, executions: int) -> bool:
        if self.budget.is_over:
            return False
        limit = MAX_EXECUTIONS if execution.target_restarted else 2
        return executions < limit and (execution.target_restarted or execution.end.disconnected)

    def judge_unfinished(self) -> None:
        """Judge the programs whose worker is still waiting for a response, and mark those that did not start."""
        reason = self.budget.stop_reason or "the test run ended early"
        for program in self.plan.programs:
            if program.id in self.results:
                continue
            exchanges = self.collector.take(program.id)
            end = aborted_program_end(program.id, exchanges[-1] if exchanges else None, reason)
            result = judge_program(program.id, exchanges, self.history_judge, self.no_route)
            self.results[program.id] = replace(result, end=end)

    def results_in_order(self) -> list[ProgramVerdicts]:
        """The results in the order of the plan, independent of the speed of the workers."""
        return [self.results[program.id] for program in self.plan.programs if program.id in self.results]

    def join_workers(self, ends: Sequence[threading.Event], timeout: float = JOIN_TIMEOUT) -> None:
        """Wait for the workers to end; a worker that hangs in a request is abandoned."""
        for end in ends:
            end.wait(timeout / len(ends))
