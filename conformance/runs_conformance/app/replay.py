"""Replays failures and reports whether they still occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from runs_conformance import config
from runs_conformance.app.options import RunOptions, all_programs, build_history_judge
from runs_conformance.app.report_file import ReportedFailure, ReportFile
from runs_conformance.app.run import program_context
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.engine import polling, preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.forms_to_try import apply_forms
from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.engine.plan_execution import clean_up_program
from runs_conformance.engine.program_runner import ProgramResult, run_program
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.resources import INTERRUPTED_CLEANUP_SECONDS, delete_leftovers
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import RETRY_LATER_STATUSES, Completion, Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.plural import plural
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.targets import DIALECTS, Target, remote_target

_T = TypeVar("_T")
ATTEMPTS = 3
"""How often concurrent steps are replayed before a race counts as not reproduced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The outcome of replaying a failure. `reason` is one line for people, `requests` the number sent."""

    failure: ReportedFailure
    outcome: Outcome
    reason: str
    requests: int = 0
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)


def replay_failures(
    report: ReportFile,
    failures: Sequence[ReportedFailure],
    target: Target,
    model: str | None,
    timeout: float,
    repeat: int = 1,
) -> Iterator[ReplayResult]:
    """Replay each failure `repeat` times. Raises TargetError if the target cannot be tested.

    `model` replaces the model of the original run. A failure that its own steps do not reproduce is replayed with the
    whole program that found it, if there is one; it counts as fixed only if neither reproduces it.
    """
    model_used = model or next((failure.model for failure in failures if failure.model), "") or RunOptions().model
    options = RunOptions(
        edition=report.edition,
        strict=report.strict,
        seed=report.seed,
        model=model_used,
        timeout=timeout,
        allow_stress=True,
    )
    credentials = Credentials(
        target.api_key, target.second_api_key, target.address.dialect.key_header, target.address.secrets
    )
    limits = ExchangeLimits(idle=timeout, total=timeout, stream=3 * timeout)
    with closing(Transport(target.address, limits)) as transport:
        budget = Budget()
        collector = Collector(NullRecorder(credentials), budget)
        session = Session(transport, collector, credentials, report.edition)
        context = program_context(target, options)
        if report.base_url == target.address.url:
            context = apply_forms(context, report.request_forms)
        replayer = _Replayer(target, options, session, collector, budget, build_history_judge(options), context, model)
        try:
            replayer.preflight()
            for failure in failures:
                yield merge_attempts([replayer.replay(failure, round_) for round_ in range(repeat)])
        finally:
            # A replay writes no history that `cleanup` could use later.
            if target.persistent:
                delete_leftovers(collector.tracker.leftovers, session, seconds=INTERRUPTED_CLEANUP_SECONDS)


@dataclass
class _Replayer:
    """Replays failures on one target. Whole programs are executed and judged once, for all failures."""

    target: Target
    options: RunOptions
    session: Session
    collector: Collector
    budget: Budget
    history_judge: HistoryJudge
    context: ProgramContext
    model: str | None
    program_results: dict[tuple[str, int], tuple[ProgramResult, Mapping[str, Tally], int]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.schedule = polling.loopback_schedule() if self.target.address.is_loopback else polling.remote_schedule()

    def preflight(self) -> None:
        """Check that the target can be tested. Raises TargetError if it cannot."""
        self._finish_current_request(lambda: preflight.check_target(self.session, self.target.address.url))
        self.collector.take(preflight.PROGRAM)

    @cached_property
    def programs(self) -> Mapping[str, Program]:
        """The programs by id, without those that depend on the size of the fuzzing phase."""
        programs = all_programs(self.context, self.options)
        return {program.id: program for program in programs if program.phase != "explore"}

    def replay(self, failure: ReportedFailure, round_: int = 0) -> ReplayResult:
        """Replay a failure; whole programs are executed once for all failures of a round."""
        reproduction = failure.reproduction
        if reproduction is None:
            return _inconclusive(failure, "the report does not contain the requests that show it")
        if Key.SECOND in reproduction.keys and self.target.second_api_key is None:
            return _inconclusive(failure, "it needs the key of another tenant: --second-api-key")
        if self.model and failure.model:
            reproduction = reproduction.with_model(failure.model, self.model)
        requests = 0
        result = _inconclusive(failure, "")
        for _ in range(ATTEMPTS if reproduction.is_concurrent else 1):
            result = self._replay_steps(failure, reproduction, requests)
            requests = result.requests
            if result.outcome is Outcome.FAIL:
                return result
        if result.outcome is Outcome.PASS and failure.id in reproduction.steps[failure.decisive_step].exercises:
            # For a request constraint, this request and its controls are sufficient evidence.
            return result
        return self._replay_program(failure, result, round_, reproduction.is_concurrent)

    def _replay_steps(
        self, failure: ReportedFailure, reproduction: Reproduction, earlier_requests: int
    ) -> ReplayResult:
        self.count += 1
        program_result, exchanges = self._run(reproduction.to_program(f"replay.{self.count}"))
        history, tallies = self.history_judge.for_requirement(failure.id).judge_exchanges("replay", exchanges)
        tally = tallies.get(failure.id, Tally())
        requests = earlier_requests + len(exchanges)
        if tally.findings:
            finding = tally.findings[0]
            return ReplayResult(
                failure=failure,
                outcome=Outcome.FAIL,
                reason=finding.message,
                requests=requests,
                exchanges=tuple(history),
            )
        decisive = reproduction.steps[failure.decisive_step]
        step_exchanges = [exchange for exchange in exchanges if exchange.step is decisive]
        reason = program_result.early_end or _unanswered_reason(step_exchanges) or _inconclusive_reason(tally)
        if reason is None and not tally.judged and _is_newly_refused(step_exchanges):
            reason = f"the request that showed it is now refused with HTTP {step_exchanges[-1].status}"
        outcome = Outcome.INCONCLUSIVE if reason else Outcome.PASS
        return ReplayResult(
            failure=failure, outcome=outcome, reason=reason or "", requests=requests, exchanges=tuple(history)
        )

    def _replay_program(
        self, failure: ReportedFailure, result: ReplayResult, round_: int, together: bool
    ) -> ReplayResult:
        """Replay the whole program that found a failure which its own steps do not reproduce."""
        attempts_note = f"{ATTEMPTS} times; it depends on a race" if together else ""
        if failure.program not in self.programs:
            return _revise(result, result.outcome, result.reason or attempts_note)
        if (failure.program, round_) not in self.program_results:
            program_result, exchanges = self._run(self.programs[failure.program])
            _, program_tallies = self.history_judge.judge_exchanges(failure.program, exchanges)
            self.program_results[failure.program, round_] = program_result, program_tallies, len(exchanges)
        program_result, tallies, requests = self.program_results[failure.program, round_]
        tally = tallies.get(failure.id, Tally())
        if tally.findings:
            reason = f"{tally.findings[0].message} (only in the whole program {failure.program})"
            return _revise(result, Outcome.FAIL, reason, requests)
        finished = not (program_result.early_end or tally.errors)
        if result.outcome is Outcome.PASS or (finished and tally.judged):
            return _revise(result, Outcome.PASS, attempts_note, requests)
        return _revise(result, Outcome.INCONCLUSIVE, result.reason, requests)

    def _run(self, program: Program) -> tuple[ProgramResult, list[Exchange]]:
        program_result = self._finish_current_request(
            lambda: run_program(program, self.context, self.session, self.budget, self.schedule)
        )
        exchanges = self.collector.take(program.id)
        if self.target.persistent:
            clean_up_program(program.id, exchanges, self.session, self.collector)
        return program_result, exchanges

    def _finish_current_request(self, work: Callable[[], _T]) -> _T:
        """Call `work`. An interruption lets the current request finish and prevents further ones."""
        return run_interruptible(work, "replay", lambda: self.budget.stop("interrupted"))


def merge_attempts(attempts: Sequence[ReplayResult]) -> ReplayResult:
    """The result of all attempts, with counts: a failure if any attempt failed, a pass only if all of them passed."""
    order = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
    first = min(attempts, key=lambda attempt: order.index(attempt.outcome))
    if len(attempts) == 1:
        return first
    counts = Counter(attempt.outcome for attempt in attempts)
    share = f"{counts[Outcome.FAIL]} of {len(attempts)} times"
    if counts[Outcome.INCONCLUSIVE]:
        share += f", inconclusive {plural(counts[Outcome.INCONCLUSIVE], 'time')}"
    reason = f"failed {share}" + (f": {first.reason}" if first.reason else "")
    return replace(first, reason=reason, requests=sum(attempt.requests for attempt in attempts))


def _inconclusive(failure: ReportedFailure, reason: str) -> ReplayResult:
    return ReplayResult(failure=failure, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _revise(result: ReplayResult, outcome: Outcome, reason: str, extra_requests: int = 0) -> ReplayResult:
    return ReplayResult(
        failure=result.failure,
        outcome=outcome,
        reason=reason,
        requests=result.requests + extra_requests,
        exchanges=result.exchanges,
    )


def _unanswered_reason(step_exchanges: Sequence[Exchange]) -> str | None:
    """Say why the responses of the decisive step decide nothing; None if they can."""
    if not step_exchanges:
        return "the request that showed it was not sent"
    last = step_exchanges[-1]
    if last.completion is not Completion.ANSWERED:
        return last.problem or "the request that showed it got no response"
    if last.status in RETRY_LATER_STATUSES:
        return f"the request that showed it got HTTP {last.status}"
    return None


def _is_newly_refused(step_exchanges: Sequence[Exchange]) -> bool:
    """Whether a request that should be accepted is now refused."""
    step = step_exchanges[-1].step
    return not step_exchanges[-1].accepted and (step is None or step.role is not Role.NEGATIVE)


def _inconclusive_reason(tally: Tally) -> str | None:
    """Say why a tally without findings is inconclusive; None if it is conclusive.

    A tally without anything judged is conclusive: the violation no longer occurs.
    """
    if tally.errors:
        return tally.errors[0]
    return None if tally.judged else next(iter(tally.inconclusive), None)


def replay_steps(
    id_: str, steps: JSON, base_url: str, *, edition: str, dialect: str = "openai", timeout: float = 60.0
) -> ReplayResult:
    """Replay steps that showed a violation of `id_`, for use in a user's own test.

    API keys come from the environment. Raises UsageError or TargetError if the steps cannot be sent.
    """
    keys = [config.resolve_secret(None, name) for name in ("OPENAI_API_KEY", "CONFORMANCE_SECOND_API_KEY")]
    key, second = (key.value if key else None for key in keys)
    target = remote_target(
        base_url, dialect=config.require_known(dialect, DIALECTS, "dialect"), api_key=key, second_api_key=second
    )
    reproduction = Reproduction.from_json(steps)
    failure = ReportedFailure(id=id_, kind="", level="", statement="", reproduction=reproduction)
    report = ReportFile(
        name="steps",
        target=target.name,
        base_url=base_url,
        dialect=target.address.dialect.family.name,
        edition=edition,
        strict=False,
        seed=0,
        failures=(failure,),
    )
    (result,) = replay_failures(report, report.failures, target, None, timeout)
    return result


def exit_code(results: Sequence[ReplayResult]) -> int:
    """The exit code: 1 if any failure still occurs, 5 if one is inconclusive, else 0."""
    outcomes = {result.outcome for result in results}
    if Outcome.FAIL in outcomes:
        return 1
    return 5 if Outcome.INCONCLUSIVE in outcomes else 0
