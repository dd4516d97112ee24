"""No run is cancelled without a request."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_action import may_be_cancelled_between
from runs_conformance.evidence.run_timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import Inconclusive, Result, with_part

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")


_AFTER_REFUSAL = "a read of an active run after a refused request to cancel it"
"""The part of the evidence that a server lacks which cancels a run and then refuses to, as for another key."""


def _closed_stream(run: RunTimeline) -> Exchange | None:
    """The first stream of a run that its client closed before the end: on purpose, or since it could not read on."""
    exchanges = run.exchanges if run.creation is None else (run.creation, *run.exchanges)
    return next((each for each in exchanges if each.was_left or (each.is_malformed and each.events)), None)


def _runs_with_closed_streams(history: History) -> Iterator[tuple[RunTimeline, Exchange]]:
    for run in runs(history):
        if run.creation is not None and (stream := _closed_stream(run)) is not None:
            yield run, stream


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="core",
    clauses=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
    occasions=3,
    needs_parts=((_AFTER_REFUSAL, "get_run", "cancel_run", "submit_tool_outputs"),),
)
def happens_only_when_asked_for(run: RunTimeline) -> Iterator[Result]:
    """A run is `cancelling` or `cancelled` only if a client cancelled it or deleted its thread.

    Clients interpret these statuses as a decision of the user. Some servers cancel a run before they refuse to, so a
    pass needs such a refusal. A run whose client closed its stream is judged by another rule.

    Fix: End a run for the server's own reasons as `failed`, with a `last_error`.
    """
    if run.creation is None or _closed_stream(run) is not None:
        return
    first, refused = run.observations[0], _refused_cancellations(run)
    for observation in run.observations:
        is_stopped = observation.status in ("cancelling", "cancelled")
        is_after_refusal = any(each.happened_before(observation.exchange) for each in refused)
        if is_stopped or observation.status in TERMINAL or is_after_refusal:
            is_explained = may_be_cancelled_between(run, first, observation)
            result = observation.check(
                is_explained or not is_stopped,
                f"the run is {observation.status!r} although no client cancelled it",
                "/status",
                actual=observation.status,
            )
            yield with_part(result, _AFTER_REFUSAL if is_after_refusal and not is_explained else "")


def _refused_cancellations(run: RunTimeline) -> list[Exchange]:
    """The refused requests to cancel a run that was active when they were sent."""
    requests = (each for each in run.history.select("cancel_run") if each.path.get("run_id") == run.id)
    return [
        each
        for each in requests
        if each.refused and (before := run.latest_before(each)) is not None and before.status in ACTIVE
    ]


@rule(
    units=_runs_with_closed_streams,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="streaming",
    clauses=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
)
def closing_a_stream_cancels_nothing(unit: tuple[RunTimeline, Exchange]) -> Iterator[Result]:
    """A run goes on when its client closes the stream that shows it.

    A client that loses its connection can read the run later; the server must not treat this as a cancellation.

    Fix: Let a run go on in the background, and have the stream only report its progress.
    """
    run, stream = unit
    stopped = ("cancelling", "cancelled")
    later = (each for each in run.observations if stream.happened_before(each.exchange))
    end = next((each for each in later if each.status in TERMINAL or each.status in stopped), None)
    if end is None or end.status == "failed":
        # The model may fail at any time, and no rule says how long a run takes.
        yield Inconclusive("the run was not seen to end by itself after its client had closed the stream")
    elif not may_be_cancelled_between(run, run.observations[0], end):
        message = f"the run is {end.status!r} since its client closed the stream, although no client cancelled it"
        yield end.check(end.status not in stopped, message, "/status", actual=end.status)


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
