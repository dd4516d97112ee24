"""Executes one program: sends its steps, polls where a step requires it, and returns the responses to the program."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from runs_conformance.client.prepared_request import UnresolvedReference
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.known_runs import KnownRuns
from runs_conformance.engine.pending_calls import PendingCalls
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.run_poll import has_settled, poll_run
from runs_conformance.engine.unsent import is_without_route, unsent_exchange
from runs_conformance.errors import BudgetExhausted, ConformanceError, UsageError
from runs_conformance.evidence.description import describe_outcome
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.generation.adaptation import adapt
from runs_conformance.model.case import Concurrent, Move, Role, Step, Unmet
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.program_end import Ending, ProgramEnd


class Sender(Protocol):
    """Sends steps. Every attempt is recorded; the last one is the result."""

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step. `exchanges_by_step` maps the names of earlier steps to their exchanges."""
        ...

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment. Returns their exchanges in the order of the steps."""
        ...


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended; `internal_error` is an exception in the program itself.

    `target_restarted` says that the target stopped listening and came back, so that the program's objects may be lost;
    `forecast_used_up` that the forecast of the plan left it too few requests or runs. `without_route` are the
    operations that were not called because the target lacks them.
    """

    end: ProgramEnd
    internal_error: str | None = None
    target_restarted: bool = False
    forecast_used_up: bool = False
    without_route: frozenset[str] = frozenset()

    @property
    def early_end(self) -> str | None:
        """The cause that ended the program before its last step; None if it sent all."""
        return self.internal_error or (self.end.cause if self.end.is_early else None)


def aborted_program_end(program: str, last: Exchange | None, reason: str) -> ProgramEnd:
    """The end of a program that a budget or an interruption ended after its exchange `last`."""
    if last is None:
        return ProgramEnd(program, Ending.NOT_STARTED, reason)
    return ProgramEnd(program, Ending.ABORTED, reason, last.operation or "", last.id)


_SELF_REPEATING_PHASES = ("boundary",)
"""Phases whose programs repeat failed requests themselves, as all programs do with probes."""


_PHASES_ON_RUNS = ("lifecycle", "races")
"""Phases whose programs follow runs. Those of other phases test requests, and show as much without the end of a run."""


@dataclass(slots=True)
class _RetryAllowance:
    """Limits how many steps of a program are sent again after a server error, which may be transient."""

    remaining: int = 4
    operations: Counter[str] = field(default_factory=Counter)

    def take(self, operation: str) -> bool:
        """Use one retry for this operation; False if none is left."""
        if not self.remaining or self.operations[operation] >= 2:
            return False
        self.remaining -= 1
        self.operations[operation] += 1
        return True


class _OperationUnresponsive(ConformanceError):  # noqa: N818 -- it describes the target
    """The target leaves every request of an operation unanswered."""


class _ForecastUsedUp(ConformanceError):  # noqa: N818 -- it describes the test run
    """The program needs more requests or runs than the forecast of the plan leaves to it."""


class _TargetRestarted(ConformanceError):  # noqa: N818 -- it describes the target
    """The target stopped listening and came back while the program ran."""


def run_program(
    program: Program, context: ProgramContext, sender: Sender, budget: Budget, schedule: PollSchedule
) -> ProgramResult:
    """Execute a program. Never raises for what the target or the program does; UsageError passes through."""
    execution = _Execution(program, context, sender, budget, schedule)
    return replace(_run_to_end(execution), without_route=frozenset(execution.without_route))


def _run_to_end(execution: _Execution) -> ProgramResult:
    program = execution.program
    try:
        execution.run()
    except StopIteration:
        return ProgramResult(
            execution.end(),
            target_restarted=execution.misses_restart,
            forecast_used_up=bool(execution.withheld),
        )
    except BudgetExhausted as error:
        return ProgramResult(execution.aborted_end(str(error)))
    except (UnresolvedReference, _OperationUnresponsive) as error:
        return ProgramResult(execution.early_end(str(error)), forecast_used_up=bool(execution.withheld))
    except _TargetRestarted as error:
        return ProgramResult(execution.early_end(str(error)), target_restarted=True)
    except _ForecastUsedUp as error:
        return ProgramResult(replace(execution.aborted_end(str(error)), ending=Ending.STOPPED), forecast_used_up=True)
    except UsageError:
        raise
    except Exception as error:
        message = f"program {program.id} raised {type(error).__name__}: {error}"
        return ProgramResult(ProgramEnd(program.id, Ending.STOPPED, "internal error"), message)
    raise AssertionError("a program ends with StopIteration")


@dataclass(frozen=True, slots=True)
class _UnmetNeed:
    """The reported need of a program, and the exchange that did not provide it.

    One more move may tell why it was not provided. A program that sends two has found another way to continue.
    """

    needed: str
    lacking: Exchange | None
    is_explained: bool = False

    @property
    def is_incomplete(self) -> bool:
        """Whether the response did not provide it because it broke off."""
        return self.lacking is not None and self.lacking.completion is Completion.UNKNOWN

    def after_move(self) -> _UnmetNeed | None:
        """The need after one more move; None if the program continues without it."""
        return None if self.is_explained else replace(self, is_explained=True)


@dataclass(slots=True)
class _Execution:
    """A program in progress: its responses by step name, the last exchange, and what the last response lacks.

    `cut_wait` is its end at the last run that it did not wait for because the last runs of the target did not end.
    """

    program: Program
    context: ProgramContext
    sender: Sender
    budget: Budget
    schedule: PollSchedule
    exchanges_by_step: dict[str, Exchange] = field(default_factory=dict)
    retries: _RetryAllowance = field(default_factory=_RetryAllowance)
    known_runs: KnownRuns = field(default_factory=KnownRuns)
    last: Exchange | None = None
    unmet: _UnmetNeed | None = None
    withheld: str = ""
    cut_wait: ProgramEnd | None = None
    without_route: set[str] = field(default_factory=set)
    recoveries: int = field(init=False)
    pending_calls: PendingCalls = field(init=False)

    def __post_init__(self) -> None:
        self.recoveries = self.budget.recoveries
        self.pending_calls = PendingCalls(self.context.request_forms)

    def run(self) -> None:
        """Send every step; ends with StopIteration."""
        instructions = self.program.generate(self.context)
        try:
            instruction = next(instructions)
            while True:
                if isinstance(instruction, Unmet):
                    # A response that broke off is the reason of what the target refuses because of its request.
                    if self.unmet is None or not self.unmet.is_incomplete:
                        self.unmet = _UnmetNeed(instruction.needed, self.last)
                    instruction = instructions.send(None)
                    continue
                self.budget.check()
                self._check_streams_end(instruction)
                self._check_same_instance()
                self._check_responsive(instruction)
                if self.unmet is not None:
                    self.unmet = self.unmet.after_move()
                received = self._execute(self._redirect(adapt(instruction, self.context)))
                if isinstance(instruction, Step) and isinstance(received, Exchange):
                    received = self._with_pending_calls(instruction, received)
                self.last = received[-1] if isinstance(received, tuple) else received
                instruction = instructions.send(received)
        finally:
            instructions.close()

    def end(self) -> ProgramEnd:
        """The end of a program whose generator is exhausted."""
        if self.withheld:
            return replace(self.aborted_end(self.withheld), ending=Ending.STOPPED)
        if self.unmet is not None:
            return self.early_end(f"the next step needs {self.unmet.needed}", self.unmet.lacking)
        if self.cut_wait is not None:
            ending = Ending.ABORTED if self.program.phase in _PHASES_ON_RUNS else Ending.COMPLETED
            return replace(self.cut_wait, ending=ending)
        return ProgramEnd(self.program.id, Ending.COMPLETED)

    @property
    def misses_restart(self) -> bool:
        """Whether the program ended because its last step was lost, or not sent, when the target was started again."""
        if self.last is None or self.budget.recoveries == self.recoveries:
            return False
        return not self.last.id or self.unmet is not None

    def early_end(self, reason: str, at: Exchange | None = None) -> ProgramEnd:
        """The end of a program that cannot continue after the response `at`, or after its last one."""
        last = at or self.last
        if last is None:
            return ProgramEnd(self.program.id, Ending.STOPPED, reason)
        if self.cut_wait is not None and self.cut_wait.exchange == last.id:
            return self.cut_wait
        cause = f"{describe_outcome(last)}; {reason}"
        # A step that was withheld has no exchange, and would be withheld again.
        # A malformed response would be malformed again.
        disconnected = last.completion is not Completion.ANSWERED and last.id != "" and not last.is_malformed
        return ProgramEnd(self.program.id, Ending.STOPPED, cause, last.operation or "", last.id, disconnected)

    def aborted_end(self, reason: str) -> ProgramEnd:
        """The end of a program before whose next step a budget is exhausted."""
        return aborted_program_end(self.program.id, self.last, reason)

    def _redirect(self, move: Move) -> Move:
        return self.known_runs.redirect(self.pending_calls.redirect(move), self.exchanges_by_step)

    def _execute(self, move: Move) -> Exchange | tuple[Exchange, ...]:
        if isinstance(move, Concurrent):
            self._check_forecast(move.steps)
            for step in move.steps:
                if reason := self._find_run_refusal(step):
                    raise _ForecastUsedUp(reason)
            exchanges = self.sender.send_concurrently(move.steps, self.program.id, self.exchanges_by_step)
            for step, exchange in zip(move.steps, exchanges, strict=True):
                self._note(step, exchange)
            return exchanges
        if move.until:
            polls = poll_run(move, lambda: self._send(move), self.context.run_timeout, self.budget, self.schedule)
            polled = deque(polls, maxlen=1)[0]
            known = self.known_runs.replace_poll(move, polled, self.exchanges_by_step)
            self._note_cut_wait(move, known)
            return known
        exchange = self._send(move)
        if self._should_repeat(move, exchange):
            self.schedule.sleep(self.schedule.interval(0))
            exchange = self._send(move)
        return exchange

    def _with_pending_calls(self, step: Step, exchange: Exchange) -> Exchange:
        """The exchange with the calls of a waiting run that shows them in its steps only."""
        lookup = self.pending_calls.lookup(step, exchange)
        return exchange if lookup is None else self.pending_calls.add(step, exchange, self._send(lookup))

    def _send(self, step: Step) -> Exchange:
        self._check_same_instance()
        self._check_forecast((step,))
        if reason := self._find_run_refusal(step):
            # The rest of the program may need no run.
            self.withheld = reason
            return unsent_exchange(step, self.program.id, reason)
        exchange = self.sender.send(step, self.program.id, self.exchanges_by_step)
        self._note(step, exchange)
        return exchange

    def _note(self, step: Step, exchange: Exchange) -> None:
        self.known_runs.record(step, exchange)
        if is_without_route(exchange):
            self.without_route.add(step.operation)

    def _should_repeat(self, step: Step, exchange: Exchange) -> bool:
        if step.role is Role.FIXTURE and exchange.completion is Completion.UNKNOWN and exchange.response is None:
            # An object more on the target harms less than a program that ends for the connection's sake.
            return self.retries.take(step.operation)
        if step.probe or self.program.phase in _SELF_REPEATING_PHASES:
            return False
        return is_server_error(exchange) and self.retries.take(step.operation)

    def _check_forecast(self, steps: Sequence[Step]) -> None:
        """Raise _ForecastUsedUp if the forecast does not allow these requests."""
        forecast = self.budget.forecast
        if forecast is not None and (reason := forecast.request_refusal(self.program.id, len(steps))):
            raise _ForecastUsedUp(reason)

    def _find_run_refusal(self, step: Step) -> str:
        """Why the forecast does not allow a step that starts a run if it is accepted; empty if it does."""
        forecast = self.budget.forecast
        if forecast is None or OPERATIONS[step.operation].creates != "run":
            return ""
        return forecast.run_refusal(self.program.id, is_invalid=step.role is Role.NEGATIVE) or ""

    def _check_same_instance(self) -> None:
        if self.budget.recoveries != self.recoveries:
            raise _TargetRestarted("the target stopped listening and was restarted")

    def _check_streams_end(self, move: Move) -> None:
        if any(step.stream for step in (move.steps if isinstance(move, Concurrent) else (move,))):
            self.budget.check_streams_end()

    def _note_cut_wait(self, step: Step, polled: Exchange) -> None:
        """Remember that a run was not waited for. The rest of the program may need no run that ends."""
        problem = self.budget.stuck_runs_problem
        if problem is not None and not has_settled(step, polled):
            self.cut_wait = aborted_program_end(self.program.id, polled, problem)

    def _check_responsive(self, move: Move) -> None:
        for step in move.steps if isinstance(move, Concurrent) else (move,):
            if self.budget.is_unresponsive(step.operation):
                raise _OperationUnresponsive(f"the target does not respond to {step.operation}")
