"""No run is cancelled without a request."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_action import may_be_cancelled_between
from runs_conformance.evidence.run_timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import Inconclusive, Result

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="core",
    clauses=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
    occasions=3,
)
def happens_only_when_asked_for(run: RunTimeline) -> Iterator[Result]:
    """A run is `cancelling` or `cancelled` only if a client cancelled it or deleted its thread.

    Clients interpret these statuses as a decision of the user.

    Fix: End a run for the server's own reasons as `failed`, with a `last_error`.
    """
    if run.creation is None:
        return
    first = run.observations[0]
    for observation in run.observations:
        is_stopped = observation.status in ("cancelling", "cancelled")
        if is_stopped or observation.status in TERMINAL:
            is_explained = may_be_cancelled_between(run, first, observation)
            yield observation.check(
                is_explained or not is_stopped,
                f"the run is {observation.status!r} although no client cancelled it",
                "/status",
                actual=observation.status,
            )


@rule(
    units=runs,
    level=Level.MUST,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    clauses=("transitions-follow-the-graph",),
    needs_complete_history=True,
)
def stops_no_other_run(run: RunTimeline) -> Iterator[Result]:
    """A cancellation stops only the run in its path, and no other run of the thread.

    A client that comes too late to cancel one run must not lose the next one.

    Fix: Look up the run by its own id, not by its thread.
    """
    if run.creation is None:
        return
    others = [e for e in run.history if _cancels_other_run(e, run)]
    for earlier, later in run.up_to_date.pairs() if others else ():
        if earlier.status not in ACTIVE - {"cancelling"} or earlier.exchange is later.exchange:
            continue
        between = next((e for e in others if e.started >= earlier.latest and e.ended <= later.earliest), None)
        if between is not None and not may_be_cancelled_between(run, run.observations[0], later):
            is_stopped = later.status in ("cancelling", "cancelled")
            if is_stopped and _is_displaced(run, later):
                yield Inconclusive("the thread took a second run meanwhile, which may have replaced this one")
            elif is_stopped:
                message = f"the run is {later.status!r} although only run {between.path['run_id']} was cancelled"
                yield later.finding(message, "/status", earlier.status, later.status)
            else:
                yield pass_if_working(between, between.accepted or operation_works(run.history, between))


def _is_displaced(run: RunTimeline, stopped: Observation) -> bool:
    """Whether another run of the thread was created after this one and before it was seen to be stopped."""
    others = (each for each in runs_of_thread(run.history, run.thread_id) if each is not run)
    created = run.observations[0].exchange.started
    return any(created <= other.observations[0].exchange.ended <= stopped.latest for other in others)


def _cancels_other_run(exchange: Exchange, run: RunTimeline) -> bool:
    same_thread = exchange.path.get("thread_id") == run.thread_id
    return exchange.operation == "cancel_run" and same_thread and exchange.path.get("run_id") != run.id
