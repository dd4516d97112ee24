"""Finds the limits that a target enforces in place of the documented ones, after a test run."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.plan_execution import clean_up_program
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import Sender, run_program
from runs_conformance.generation.boundary.limit import measured_limit, plan_search
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.program_end import Ending


def find_limits(
    result: RunResult,
    context: ProgramContext,
    sender: Sender,
    collector: Collector,
    budget: Budget,
    schedule: PollSchedule,
    *,
    cleans_up: bool,
) -> RunResult:
    """Find the enforced limit for each violated one and add it to the result. Requests of the search are not judged."""
    limits: list[Limit] = []
    for id_, tally in sorted(result.tallies.items()):
        search = plan_search(id_, context) if tally.findings else None
        if search is None:
            continue
        program = search.program()
        program_result = run_program(program, context, sender, budget, schedule)
        exchanges = collector.take(program.id)
        if cleans_up:
            clean_up_program(program.id, exchanges, sender, collector)
        enforced = measured_limit(search, exchanges)
        if enforced is not None:
            limits.append(enforced)
        if program_result.end.ending in (Ending.ABORTED, Ending.NOT_STARTED):
            break
    return replace(result, limits=tuple(limits))
