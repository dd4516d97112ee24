"""Races between requests that create runs on one thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.evidence.concurrent_requests import ConcurrentRequests, concurrent_requests
from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.evidence.stale_item import is_list_item
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import Inconclusive, Result
from runs_conformance.rules.races.simultaneity import ROUNDS, pass_if_simultaneous

_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")
_QUEUED_RUNS_LOCK = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks",
    note="that a queued run locks its thread is inferred",
)


@dataclass(frozen=True, eq=False)
class RunPair:
    """Two runs of one thread."""

    one: RunTimeline
    other: RunTimeline

    @property
    def follow_each_other(self) -> bool:
        """Whether one run had certainly ended before the other was created."""
        return any(
            later.creation is not None and earlier.had_ended_before(later.creation)
            for earlier, later in ((self.one, self.other), (self.other, self.one))
        )


def run_pairs_and_races(history: History) -> Iterator[RunPair | ConcurrentRequests]:
    """Every pair of runs of one thread, and every group of overlapping requests to create runs on one thread.

    A run that no request created and no list shows may be another one under a wrong id.
    """
    known = [
        run
        for run in runs(history)
        if history.partial or run.creation is not None or any(map(is_list_item, run.observations))
    ]
    for one, other in combinations(known, 2):
        if one.thread_id and one.thread_id == other.thread_id:
            yield RunPair(one, other)
    yield from concurrent_run_creations(history)


def concurrent_run_creations(history: History) -> Iterable[ConcurrentRequests]:
    """Overlapping requests to create runs on one thread."""
    return (each for each in concurrent_requests(history) if each.operation == "create_run")


@rule(
    units=run_pairs_and_races,
    level=Level.MUST,
    source=_LOCKS,
    capability="core",
    clauses=("active-run-blocks-second-run",),
    occasions=ROUNDS,
)
def two_runs_never_work_together(pair: RunPair | ConcurrentRequests) -> Iterator[Result]:
    """No two runs of one thread are `in_progress` at the same time.

    If two requests can check the lock before either takes it, two answers are written into one conversation. A
    violation is judged from one list that shows both, or from reads of one run before and after the other. Consecutive
    runs prove nothing. A pass needs two groups of simultaneous requests, of each of which exactly one is accepted.

    Fix: Check and take the lock in one atomic operation.
    """
    if isinstance(pair, ConcurrentRequests):
        if len(pair.accepted) == 1:
            yield from pass_if_simultaneous(pair)
        return
    in_progress = [
        [each for each in timeline.up_to_date.observations if each.status == "in_progress"]
        for timeline in (pair.one, pair.other)
    ]
    creations = [timeline.creation for timeline in (pair.one, pair.other) if timeline.creation]
    together = next(
        (
            observation
            for observation in _in_progress_together(*in_progress)
            if all(c.happened_before(observation.exchange) for c in creations)
        ),
        None,
    )
    if together is not None:
        yield together.finding(f"{pair.one.id} and {pair.other.id} are in progress at the same time", "/status")
    elif all(in_progress) and not pair.follow_each_other:
        yield Inconclusive(
            "the second run was created before the first had ended, but they were not seen in progress at the same time"
        )


def _in_progress_together(ones: list[Observation], others: list[Observation]) -> Iterator[Observation]:
    """Each observation of one run made while the other was certainly in progress."""
    for observation, rest in (*((one, others) for one in ones), *((other, ones) for other in others)):
        is_in_one_list = observation.event is None and any(each.exchange is observation.exchange for each in rest)
        if is_in_one_list or (
            any(each.happened_before(observation) for each in rest)
            and any(observation.happened_before(each) for each in rest)
        ):
            yield observation


@rule(
    units=concurrent_run_creations,
    level=Level.SHOULD,
    source=_QUEUED_RUNS_LOCK,
    capability="core",
    clauses=("active-run-blocks-second-run", "lock-covers-all-active-statuses"),
    needs_complete_history=True,
    occasions=ROUNDS,
)
def one_of_two_runs_at_once_is_taken(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """Of two or more runs created on one thread at the same moment, one is accepted and the others are refused.

    A queued run locks its thread like any other active run. Two may be accepted if one had ended before the other
    began.

    Fix: Check for an active run and insert the new one in a single transaction.
    """
    timelines = [
        run for run in runs_of_thread(concurrent.history, concurrent.id) if run.creation in concurrent.accepted
    ]
    active = [timeline for timeline in timelines if _active_after(timeline, concurrent.ended)]
    if len(active) > 1:
        run_ids = [timeline.id for timeline in active]
        yield concurrent.accepted[-1].finding(
            f"{len(active)} runs that were created at the same moment are active", actual=list(run_ids)
        )
    elif len(concurrent.accepted) > 1 and len(timelines) < len(concurrent.accepted):
        yield Inconclusive(SHARED_ID)
    elif len(concurrent.accepted) > 1:
        yield Inconclusive("two simultaneous runs were accepted, but one may have ended before the other began")
    elif concurrent.accepted:
        yield from pass_if_simultaneous(concurrent)


def _active_after(timeline: RunTimeline, moment: float) -> bool:
    """Whether a run was active at some time after a moment, and therefore at that moment."""
    current = timeline.up_to_date.observations
    return any(observation.earliest >= moment and observation.status in ACTIVE for observation in current)
