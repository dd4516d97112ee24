"""Shrinks the failures that fuzzing finds and stores them, so that the next test run tries them first."""

from __future__ import annotations

import os

from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.protected_sender import protect_given_objects
from runs_conformance.engine.resources import ResourceTracker
from runs_conformance.engine.shrinking import fuzzed_violations
from runs_conformance.engine.shrinking.failure_store import FailureStore, open_failure_store
from runs_conformance.engine.shrinking.shrinker import ShrinkBudget
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.targets import Target

LOCAL_BUDGET, REMOTE_BUDGET = (300, 500), (60, 240)
"""Shrink budgets on targets of this machine and on others: requests for each id, and in total."""


def stored_programs(target: Target, options: RunOptions) -> list[Program]:
    """Programs for the stored failures of earlier test runs on this target."""
    store = _open_existing_store(target, options)
    return store.programs() if store is not None else []


def shrink_findings(
    result: RunResult,
    target: Target,
    options: RunOptions,
    *,
    context: ProgramContext,
    session: Session,
    tracker: ResourceTracker,
    budget: Budget,
    schedule: PollSchedule,
) -> RunResult:
    """Shrink the counterexamples that only fuzzing found and store them for the next test run."""
    if result.fuzzed_violations:
        collector = Collector(NullRecorder(session.credentials), budget, tracker)
        shrink_context = fuzzed_violations.ShrinkContext(
            program_context=context,
            sender=protect_given_objects(session.with_recorder(collector), context),
            collector=collector,
            history_judge=build_history_judge(options),
            budget=budget,
            schedule=schedule,
            cleans_up=target.persistent,
            shrink_budget=ShrinkBudget(*(LOCAL_BUDGET if target.address.is_loopback else REMOTE_BUDGET)),
        )
        results = fuzzed_violations.shrink_violations(result.fuzzed_violations, shrink_context, options.workers or 3)
        result = fuzzed_violations.with_shrunk_counterexamples(result, results)
        if (store := _open_store(target, options)) is not None:
            store.save({id_: result.reproduction for id_, result in results.items()})
    store = _open_existing_store(target, options)
    if store is not None and "explore" in {program.partition(".")[0] for program in result.program_ids}:
        store.discard_fixed({id_ for id_, tally in result.tallies.items() if tally.findings})
    return result


def _open_existing_store(target: Target, options: RunOptions) -> FailureStore | None:
    """Open the store unless nothing was ever stored: opening it loads Hypothesis, which takes long."""
    is_new = options.database is not None and not os.path.lexists(options.database)
    return None if is_new else _open_store(target, options)


def _open_store(target: Target, options: RunOptions) -> FailureStore | None:
    return open_failure_store(options.database, target.name, options.edition) if options.database is not None else None
