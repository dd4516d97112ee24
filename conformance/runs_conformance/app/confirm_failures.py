"""Confirms the failures of MUST requirements on the target before they are reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from runs_conformance.app.attach_steps import (
    attach_larger_steps,
    attach_late_steps,
    attach_steps,
    attach_timed_steps,
    read_counterexample_histories,
    reproduction_of,
)
from runs_conformance.app.options import RunOptions, build_history_judge, requirements
from runs_conformance.causes import analyze
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.hazard_guard import HazardGuard, request_kind
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.protected_sender import protect_given_objects
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.resources import ResourceTracker
from runs_conformance.engine.shrinking.confirmation import ConfirmationBudget, confirm
from runs_conformance.engine.shrinking.confirmed_result import with_confirmations, without_unanswered_requests
from runs_conformance.engine.shrinking.failures_to_confirm import (
    failures_to_confirm,
    ids_that_may_be_chance,
    ids_to_recur,
)
from runs_conformance.engine.shrinking.fuzzed_violations import CaseRunner, ShrinkContext
from runs_conformance.engine.verdicts import VerdictContext, build_verdicts
from runs_conformance.evidence.server_failure import RANDOM_FAILURES, count_unsteady_steps
from runs_conformance.generation.adaptation import without_additions
from runs_conformance.model.history import History
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.source import Level
from runs_conformance.targets import Target

REMOTE_SECONDS, QUICK_SECONDS = 90.0, 10.0
"""Limits for replaying failures on remote targets, and in profile quick on this machine."""

_AttachSteps: TypeAlias = Callable[[RunResult, Collection[str]], RunResult]
"""Returns the counterexamples of these failures with other steps than they have in a result."""


def confirm_failures(
    result: RunResult,
    history: Path,
    target: Target,
    options: RunOptions,
    guard: HazardGuard,
    *,
    context: ProgramContext,
    session: Session,
    tracker: ResourceTracker,
    budget: Budget,
    schedule: PollSchedule,
) -> RunResult:
    """Replay the failures of MUST requirements, one at a time, with nothing else of this process in flight.

    `history` is the file with the exchanges of the test run. Failures that contain a request of a kind that `guard`
    considers dangerous are not replayed. Sends nothing if no MUST requirement failed.
    """
    if options.jobs > 1:
        result = without_unanswered_requests(result)
    known = requirements(options.edition)

    def is_must(id_: str) -> bool:
        requirement = known.rules.get(id_) or known.constraints.get(id_)
        return requirement is not None and requirement.level is Level.MUST

    if not any(tally.findings and is_must(id_) for id_, tally in result.tallies.items()):
        return result
    history_judge = build_history_judge(options)
    unsteady_steps = 0

    def read_histories() -> Iterator[History]:
        nonlocal unsteady_steps
        for each in read_counterexample_histories(history, result):
            unsteady_steps += count_unsteady_steps(each)
            yield each

    result = attach_steps(result, read_histories(), history_judge, options.model)
    collector = Collector(NullRecorder(session.credentials), budget, tracker)
    is_loopback = target.address.is_loopback
    runner = CaseRunner(
        ShrinkContext(
            program_context=without_additions(context),
            sender=protect_given_objects(session.with_recorder(collector), context),
            collector=collector,
            history_judge=history_judge,
            budget=budget,
            schedule=schedule,
            cleans_up=target.persistent,
        ),
        "confirm",
        run_timeout=context.run_timeout,
    )
    allowance = ConfirmationBudget(lambda: runner.requests)
    if not is_loopback:
        allowance.seconds = REMOTE_SECONDS
    elif options.profile == "quick":
        allowance.seconds = QUICK_SECONDS
    dangerous = {hazard.kind for hazard in guard.hazards}
    causes = analyze(build_verdicts(result.tallies, known, VerdictContext(), result.counterexamples))
    chosen = failures_to_confirm(
        result,
        is_must,
        {id_: cause.kind for cause in causes for id_ in cause.ids},
        {cause.reproduction for cause in causes},
    )
    replayable = {id_: case for id_, case in chosen if not _contains(case, dangerous)}
    examples = dict(result.counterexamples)

    def replay_with(attach: _AttachSteps, ids: Collection[str]) -> Mapping[str, Reproduction]:
        former = replace(result, counterexamples=examples)
        attached = attach(former, ids).counterexamples if ids else {}
        examples.update(attached)
        cases = {id_: case for id_, example in attached.items() if (case := reproduction_of(example)) is not None}
        return {id_: case for id_, case in cases.items() if not _contains(case, dangerous)}

    may_be_chance = ids_that_may_be_chance(result, fails_at_random=unsteady_steps >= RANDOM_FAILURES)
    recorded: dict[str, Any] = {"path": history, "history_judge": history_judge, "model": options.model}
    confirmations, enlarged = confirm(
        replayable,
        partial(replay_with, partial(attach_larger_steps, **recorded)),
        runner.execute,
        allowance,
        ids_to_recur(result),
        may_be_chance,
        [
            partial(replay_with, partial(attach_timed_steps, **recorded)),
            partial(replay_with, attach_late_steps),
        ],
    )
    # Steps with which a failure did not occur either are of no more use than fewer.
    shown = {**result.counterexamples, **{id_: examples[id_] for id_ in enlarged}}
    result = replace(result, counterexamples=shown, enlarged=enlarged)
    return with_confirmations(result, confirmations, replayable, may_be_chance)


def _contains(reproduction: Reproduction, dangerous: set[str]) -> bool:
    return any(request_kind(step) in dangerous for step in reproduction.steps)
