"""A test run in progress: its resources from the first request to the last."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from runs_conformance.app import confirm_failures, estimate, find_limits, shrink_findings
from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.client.recorder import HistoryWriter
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits
from runs_conformance.engine import form_search, polling, preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import Signature
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.forecast import Forecast
from runs_conformance.engine.hazard_guard import HazardGuard
from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.engine.not_offered_findings import discard_not_offered
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.plan_execution import ProgressListener, run_plan
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.preflight import list_models
from runs_conformance.engine.program_runner import Sender
from runs_conformance.engine.program_verdicts import CLEANUP_SUFFIX, ProgramVerdicts, judge_program, with_cleanup
from runs_conformance.engine.protected_sender import protect_given_objects
from runs_conformance.engine.resources import (
    CLEANUP_SECONDS,
    INTERRUPTED_CLEANUP_SECONDS,
    delete_leftovers,
    find_undeletable,
)
from runs_conformance.engine.route_guard import RouteGuard
from runs_conformance.engine.shrinking.confirmed_result import without_unconfirmed_waits
from runs_conformance.engine.survival import SurvivalTrials
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.targets import Target

_T = TypeVar("_T")

_SEARCH_CLEANUP = f"{form_search.PROGRAM}{CLEANUP_SUFFIX}"

LOCAL_WORKERS, REMOTE_WORKERS = 5, 4
"""Default numbers of programs executed concurrently, on a loopback target and on a remote one."""

PREFLIGHT_LIMITS = ExchangeLimits(connect=10.0, idle=20.0, total=20.0)
"""Timeouts after which a target counts as unresponsive."""

PREFLIGHT_STOP_SECONDS = 2.0
"""How long an interrupted preflight waits for its exchange: a target that never responded may not respond at all."""

LATE_CLEANUP_SECONDS = 5.0
"""Time limit of the cleanup after the time limit of the test run, and of each of its requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """A test run in progress on one target."""

    target: Target
    options: RunOptions
    context: ProgramContext
    limits: ExchangeLimits
    session: Session
    collector: Collector
    file: HistoryWriter
    budget: Budget
    schedule: polling.PollSchedule
    listener: ProgressListener

    def execute(self, plan: Plan) -> RunResult:
        """Execute a plan from preflight to cleanup; an interruption from the keyboard ends it early.

        Raises TargetError if the target cannot be tested, UsageError if an object named by `--use` does not exist.
        """
        result: RunResult | None = None
        sender: Sender = self.session
        self.budget.forecast = Forecast(
            plan,
            limits_requests=self.options.max_requests is None,
            limits_runs=self.options.max_runs is None,
            follow_up=estimate.follow_up(plan, self.options, is_loopback=self.target.address.is_loopback),
            is_loopback=self.target.address.is_loopback,
        )
        try:
            no_route = self._preflight()
            sender = RouteGuard(self.session, no_route)
            guard = self._guard(sender)
            adapted = replace(self, context=self._find_request_forms(plan, guard))
            self._announce_undeletable(plan, sender)
            result = adapted._run(plan, no_route, guard)
            if not (result.interrupted or result.early_end_reason):
                self.budget.forecast.begin_follow_up()
                result = adapted._find_limits(adapted._confirm(adapted._shrink(result), guard), guard)
            elif not result.interrupted and self.budget.allows_requests:
                # Runs that never end leave requests that start none, which another program may have disturbed.
                self.budget.forecast.begin_follow_up()
                result = adapted._confirm(result, guard)
            elif not result.interrupted and self.options.confirm and not guard.hazards:
                # A request may have waited for what another one did to the target.
                result = without_unconfirmed_waits(result)
            result = replace(result, request_forms=adapted.context.request_forms, hazards=guard.hazards)
        except KeyboardInterrupt:
            result = replace(result or self._without_programs(plan, "interrupted"), interrupted=True)
        except BudgetExhausted as error:
            # The programs may have ended by then: only what follows them is left out.
            result = result or self._without_programs(plan, str(error))
        finally:
            interrupted = result is None or result.interrupted
            if interrupted:
                self.budget.stop("interrupted")
            clean = self._clean_up(sender, INTERRUPTED_CLEANUP_SECONDS if interrupted else CLEANUP_SECONDS)
            self.budget.counts.seconds = round(self.budget.elapsed, 3)  # what follows the programs takes time, too
        return result if clean else replace(result, interrupted=True)

    def _without_programs(self, plan: Plan, reason: str) -> RunResult:
        """The result of a test run that ended before its first program."""
        ends = tuple(ProgramEnd(program.id, Ending.NOT_STARTED, reason) for program in plan.programs)
        return replace(merge_results((), self.budget, early_end_reason=reason), program_ends=ends)

    @property
    def _workers(self) -> int:
        """The number of concurrent programs; one if all of them share a thread."""
        if "thread" in self.context.use:
            return 1
        return self.options.workers or (LOCAL_WORKERS if self.target.address.is_loopback else REMOTE_WORKERS)

    def _preflight(self) -> Collection[Signature]:
        """Run the preflight checks; return the signatures of responses for an unknown route."""

        def check() -> Collection[Signature]:
            thread = self.context.use.get("thread")
            url = self.target.address.url
            preflight.check_target(self.session, url, thread, read_only=self.context.read_only)
            preflight.check_objects_exist(self.session, url, self.context.use)
            return preflight.no_route_signatures(self.session)

        self._cap_limits(PREFLIGHT_LIMITS)
        no_route = self._run_interruptible(check, "preflight", PREFLIGHT_STOP_SECONDS)
        self.collector.take(preflight.PROBE_PROGRAM)
        self.session.transport.limits = self.limits
        return no_route

    def _find_request_forms(self, plan: Plan, sender: Sender) -> ProgramContext:
        """Find out how the target accepts the prerequisites of the plan's programs."""
        if not form_search.needs_search(self.context, plan.runs, self.budget.max_runs):
            return self.context
        has_default_model = self.options.model == RunOptions().model

        def find() -> ProgramContext:
            return form_search.find_request_forms(
                self.context,
                sender,
                self.budget,
                self.schedule,
                lambda: list_models(self.session) if has_default_model else (),
            )

        return self._run_interruptible(find, form_search.PROGRAM)

    def _announce_undeletable(self, plan: Plan, sender: Sender) -> None:
        """Delete what the search for request forms created, and say what programs will leave if that fails."""
        if not self.target.persistent:
            return

        def find() -> Collection[str]:
            return find_undeletable(self.collector.tracker, sender, _SEARCH_CLEANUP)

        kinds = self._run_interruptible(find, "cleanup")
        if kinds:
            self.listener.on_undeletable({kind: plan.created_objects[kind] for kind in sorted(kinds)})

    def _guard(self, sender: Sender) -> HazardGuard:
        trials = None
        if not self.context.read_only and not self.context.use:
            trials = SurvivalTrials(sender, self.context, self.budget, self.schedule)
        return HazardGuard(sender, self.context, trials, shares_target=self.options.jobs > 1)

    def _run(self, plan: Plan, no_route: Collection[Signature], guard: HazardGuard) -> RunResult:
        history_judge = build_history_judge(self.options)

        def judge_trials() -> Iterator[ProgramVerdicts]:
            for program in guard.trials.ended if guard.trials is not None else ():
                yield judge_program(program, self.collector.take(program), history_judge, no_route)

        cleanup = self.collector.take(_SEARCH_CLEANUP)
        earlier = [
            with_cleanup(judge_program(program, exchanges, history_judge, no_route), cleanups, no_route)
            for program, cleanups in ((preflight.PROGRAM, ()), (form_search.PROGRAM, cleanup))
            if (exchanges := self.collector.take(program))
        ]
        result = run_plan(
            plan,
            self.context,
            protect_given_objects(guard, self.context),
            self.collector,
            history_judge,
            self.budget,
            schedule=self.schedule,
            listener=self.listener,
            workers=self._workers,
            cleans_up=self.target.persistent,
            no_route=no_route,
            # Iterated over after the programs have ended: the guard tries suspects while they run.
            other_results=itertools.chain(earlier, judge_trials()),
        )
        # Before failures are shrunk and replayed, which those of missing operations must not be.
        return discard_not_offered(result, self.options.capabilities, self.options.no_capabilities)

    def _shrink(self, result: RunResult) -> RunResult:
        return self._run_interruptible(
            lambda: shrink_findings.shrink_findings(
                result,
                self.target,
                self.options,
                context=self.context,
                session=self.session,
                tracker=self.collector.tracker,
                budget=self.budget,
                schedule=self.schedule,
            ),
            "shrinking",
        )

    def _confirm(self, result: RunResult, guard: HazardGuard) -> RunResult:
        if not self.options.confirm or self.context.read_only:
            return result
        return self._run_interruptible(
            lambda: confirm_failures.confirm_failures(
                result,
                self.file.path,
                self.target,
                self.options,
                guard,
                context=self.context,
                session=self.session,
                tracker=self.collector.tracker,
                budget=self.budget,
                schedule=self.schedule,
            ),
            "confirming",
        )

    def _find_limits(self, result: RunResult, guard: Sender) -> RunResult:
        if not self.options.find_limits or self.context.read_only:
            return result
        sender = protect_given_objects(guard, self.context)
        return self._run_interruptible(
            lambda: find_limits.find_limits(
                result,
                self.context,
                sender,
                self.collector,
                self.budget,
                self.schedule,
                cleans_up=self.target.persistent,
            ),
            "searching",
        )

    def _clean_up(self, sender: Sender, seconds: float) -> bool:
        """Delete leftovers and report those that remain. Returns whether it finished uninterrupted."""
        tracker = self.collector.tracker
        if not self.target.persistent or not (leftovers := tracker.leftovers()):
            return True
        self.session.transport.end = float("inf")
        self._cap_limits(PREFLIGHT_LIMITS)
        if self.budget.time_is_up:
            seconds = min(seconds, LATE_CLEANUP_SECONDS)
            self._cap_limits(ExchangeLimits(idle=seconds, total=seconds))
        self.budget.cleanup_end = self.budget.now() + seconds
        if seconds == INTERRUPTED_CLEANUP_SECONDS:
            self.listener.on_cleanup(len(leftovers))
        try:
            run_interruptible(lambda: delete_leftovers(tracker.leftovers, sender, seconds=seconds), "cleanup")
        except KeyboardInterrupt:
            return False
        finally:
            if leftovers := tracker.leftovers():
                self.listener.on_leftovers(
                    [leftover.describe(self.session.credentials.redactor.redact) for leftover in leftovers]
                )
        return True

    def _run_interruptible(self, work: Callable[[], _T], name: str, seconds: float | None = None) -> _T:
        """Execute `work`; returns or raises its outcome.

        After an interrupt its exchange finishes, since it may create an object.
        """
        return run_interruptible(work, name, lambda: self.budget.stop("interrupted"), seconds)

    def _cap_limits(self, limits: ExchangeLimits) -> None:
        own = self.limits
        self.session.transport.limits = replace(
            own, idle=min(limits.idle, own.idle), total=min(limits.total, own.total)
        )
