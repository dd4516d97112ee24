"""Finds the request forms that a target accepts for the prerequisites of programs, before the first program starts.

The smallest valid form comes first, so that a target that accepts it is sent nothing else. Richer valid forms follow,
in a fixed order, until one works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import Sender, run_program
from runs_conformance.engine.protected_sender import protect_given_objects
from runs_conformance.engine.request_form_search import MAX_WAIT, RequestFormSearch
from runs_conformance.model.program import Program, ProgramContext

PROGRAM = "approach"
"""The program of the search in histories, as `approach` is the key of what it found in a report."""
MIN_RUNS = 10
"""The smallest limit of runs that leaves room for the search."""


def needs_search(context: ProgramContext, runs: int, max_runs: int | None) -> bool:
    """Whether the search is worth its requests: the plan starts runs, and the limits allow one more."""
    allows_search = max_runs is None or max_runs >= MIN_RUNS
    return runs > 0 and not context.read_only and "thread" not in context.use and allows_search


def find_request_forms(
    context: ProgramContext,
    sender: Sender,
    budget: Budget,
    schedule: PollSchedule,
    list_models: Callable[[], Sequence[str]] = lambda: (),
) -> ProgramContext:
    """The context with the request forms that the target accepts.

    `list_models` names models to try if the target refuses the one in the context. Sends nothing that a program may
    not send; whatever the target sends, it raises nothing but UsageError.
    """
    search = RequestFormSearch(context, list_models=list_models)
    program = Program(
        id=PROGRAM,
        title="How the target accepts requests",
        phase="preflight",
        capability="core",
        generate=search.steps,
        runs=1,
        requests=8,
    )
    patient = replace(context, run_timeout=min(context.run_timeout, MAX_WAIT))
    run_program(program, patient, protect_given_objects(sender, context), budget, schedule)
    return search.result()
