"""Shrinks each violation that only fuzzing found. Requests sent while shrinking are not judged as evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from runs_conformance.contract.constraint import constraints
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.plan import FUZZING_PHASE
from runs_conformance.engine.plan_execution import clean_up_program
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import Sender, run_program
from runs_conformance.engine.program_verdicts import FuzzedViolation, HistoryJudge
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation, ShrinkBudget, Shrinker, ShrunkCase
from runs_conformance.errors import BudgetExhausted, InternalError
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.program_end import Ending
from runs_conformance.model.source import Level

MAX_IDS, MAX_IDS_PER_OPERATION = 24, 3
"""Maximum number of ids to shrink; MUST requirements come first. An operation that fails many ids lacks validation, and
more of them would show the same cause, each by dozens of runs.
"""

MIN_RUN_TIMEOUT = 1.5
"""Lower bound of the run timeout, in seconds, while shrinking."""


@dataclass(frozen=True, slots=True)
class ShrinkContext:
    """The means of executing a candidate: a sender whose exchanges are not evidence, the judges, and the budgets."""

    program_context: ProgramContext
    sender: Sender
    collector: Collector
    history_judge: HistoryJudge
    budget: Budget
    schedule: PollSchedule
    cleans_up: bool = True
    shrink_budget: ShrinkBudget = field(default_factory=ShrinkBudget)


@dataclass(slots=True)
class CaseRunner:
    """Executes the candidates of one id. `requests` counts the requests sent.

    `run_timeout` bounds the wait for a run; by default it is short, because most candidates never reach the status.
    """

    context: ShrinkContext
    name: str
    run_timeout: float | None = None
    requests: int = 0
    executions: int = 0

    def execute(self, candidate: Reproduction, id_: str) -> ReproducedViolation | None:
        """Execute a candidate; return the violation of the id, or None. Raises BudgetExhausted and InternalError."""
        context = self.context
        self.executions += 1
        program = candidate.to_program(f"shrink.{self.name}.{self.executions}", FUZZING_PHASE)
        # A candidate without the step that a run waits for makes it time out; keep that from dominating the search.
        short = min(context.program_context.run_timeout, max(MIN_RUN_TIMEOUT, 4 * context.schedule.slowest))
        run_timeout = short if self.run_timeout is None else self.run_timeout
        program_context = replace(context.program_context, run_timeout=run_timeout)
        result = run_program(program, program_context, context.sender, context.budget, context.schedule)
        exchanges = context.collector.take(program.id)
        self.requests += len(exchanges)
        if result.end.ending in (Ending.ABORTED, Ending.NOT_STARTED) or result.forecast_used_up:
            raise BudgetExhausted(result.end.cause)
        if result.internal_error:
            raise InternalError(result.internal_error)
        history, tallies = context.history_judge.for_requirement(id_).judge_exchanges(program.id, exchanges)
        if context.cleans_up:
            clean_up_program(program.id, exchanges, context.sender, context.collector)
        tally = tallies.get(id_)
        if tally is not None and tally.findings:
            return ReproducedViolation(history, tally)
        if result.end.is_cut:
            # The violation may come after the end of a run that was not waited for.
            raise BudgetExhausted(result.end.cause)
        return None


def shrink_violations(
    violations: Mapping[str, FuzzedViolation], context: ShrinkContext, workers: int = 2
) -> dict[str, ShrunkCase]:
    """Shrink the violations of MUST and SHOULD requirements; omit those that do not fail again when executed."""
    candidates = sorted(
        ((id_, violation) for id_, violation in violations.items() if _level(id_, context) is not Level.MAY),
        key=lambda pair: _level(pair[0], context) is not Level.MUST,
    )
    chosen: list[tuple[str, FuzzedViolation]] = []
    by_operation: Counter[str] = Counter()
    for id_, violation in candidates:
        if by_operation[_operation(violation)] < MAX_IDS_PER_OPERATION and len(chosen) < MAX_IDS:
            by_operation[_operation(violation)] += 1
            chosen.append((id_, violation))
    with ThreadPoolExecutor(max(1, workers)) as threads:
        shrunk = threads.map(lambda pair: _shrink(pair[0], pair[1], context), chosen)
    return {case.id: case for case in shrunk if case is not None}


def _operation(fuzzed: FuzzedViolation) -> str:
    """The operation of the exchange that shows the violation; empty if no exchange does."""
    exchange = fuzzed.violation.exchange
    return exchange.operation or "" if exchange is not None else ""


def _level(id_: str, context: ShrinkContext) -> Level:
    requirement = context.history_judge.rules.get(id_) or constraints(context.program_context.edition).get(id_)
    return requirement.level if requirement is not None else Level.MUST


def _shrink(id_: str, fuzzed: FuzzedViolation, context: ShrinkContext) -> ShrunkCase | None:
    runner = CaseRunner(context, id_)
    shrinker = Shrinker(runner.execute, lambda: runner.requests, context.program_context, context.shrink_budget)
    return shrinker.shrink(id_, fuzzed.reproduction, fuzzed.violation)


def with_shrunk_counterexamples(result: RunResult, shrunk: Mapping[str, ShrunkCase]) -> RunResult:
    """The result with shrunk counterexamples in place of the original ones."""
    counterexamples: dict[str, JSON] = dict(result.counterexamples)
    for id_, fuzzed in result.fuzzed_violations.items():
        if id_ in shrunk:
            counterexamples[id_] = shrunk[id_].counterexample(fuzzed.program)
    return replace(result, counterexamples=counterexamples)
