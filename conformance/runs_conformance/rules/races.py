"""Races: guarantees for requests that overlap in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.concurrent_requests import ConcurrentRequests, concurrent_requests
from runs_conformance.evidence.concurrent_submissions import (
    answer_all_calls,
    concurrent_submissions,
    may_be_for_different_rounds,
)
from runs_conformance.evidence.metadata import metadata_timelines
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import RunTimeline, runs, runs_of_thread
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at, contains, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")
_QUEUED_RUNS_LOCK = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks",
    note="that a queued run locks its thread is inferred",
)
_SUBMIT = schema(f"{_SPEC} submitToolOuputsToRun: when a run has the status requires_action")
_MODIFY = schema(f"{_SPEC} modifyRun, modifyThread, modifyMessage, modifyAssistant: modifies it")


_SEPARATE = Inconclusive("one of the overlapping requests was answered before another was sent")
_ROUNDS = 2
"""Rounds of simultaneous requests that a pass needs: one that is survived may be chance."""


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
    """Every pair of runs of one thread, and every group of overlapping requests to create runs on one thread."""
    for one, other in combinations(runs(history), 2):
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
    requirements=("active-run-blocks-second-run",),
    occasions=_ROUNDS,
)
def two_runs_never_work_together(pair: RunPair | ConcurrentRequests) -> Iterator[Result]:
    """No two runs of one thread are `in_progress` at the same time.

    If two requests can check the lock before either takes it, two answers are written into one conversation. A
    violation is judged from one list that shows both, or from reads of one run before and after the other. Runs that
    follow each other prove nothing; requests at the same moment of which one is accepted do, if that happens twice.

    Fix: Check and take the lock in one atomic operation.
    """
    if isinstance(pair, ConcurrentRequests):
        if len(pair.accepted) == 1:
            yield from _pass_if_simultaneous(pair)
        return
    in_progress = [
        [observation for observation in timeline.observations if observation.status == "in_progress"]
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
        yield Inconclusive("the second run was created before the first had ended, but did not work beside it")


def _pass_if_simultaneous(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """A pass if all requests were decided, and sent before the first was answered: a race may lie in a moment."""
    if concurrent.all_decided:
        yield PASSED if concurrent.are_simultaneous else _SEPARATE


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
    requirements=("active-run-blocks-second-run", "lock-covers-all-active-statuses"),
    needs_complete_history=True,
    occasions=_ROUNDS,
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
    elif len(concurrent.accepted) > 1:
        yield Inconclusive("two simultaneous runs were accepted, but one may have ended before the other began")
    elif concurrent.accepted:
        yield from _pass_if_simultaneous(concurrent)


def _active_after(timeline: RunTimeline, moment: float) -> bool:
    """Whether a run was active at some time after a moment, and therefore at that moment."""
    return any(observation.earliest >= moment and observation.status in ACTIVE for observation in timeline.observations)


@rule(
    units=concurrent_submissions,
    level=Level.MUST,
    source=_SUBMIT,
    capability="tools",
    requirements=("outputs-only-while-required",),
    occasions=_ROUNDS,
)
def outputs_are_taken_once(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """Of simultaneous submissions for the same tool calls, at most one is accepted.

    The first one resumes the run and leaves the others nothing to submit to. If two are accepted, the answer may be
    written twice, or from either set of outputs. A server that reuses the ids of calls may accept another for the next
    round, so that it fails only if its steps show fewer calls.

    Fix: Leave `requires_action` by an atomic compare-and-set, and refuse the submission that loses.
    """
    if len(concurrent.accepted) > 1 and may_be_for_different_rounds(concurrent):
        yield Inconclusive(
            "two submissions were accepted, but the server reuses call ids, and one may be for the next round"
        )
    elif len(concurrent.accepted) > 1:
        count = len(concurrent.accepted)
        yield concurrent.accepted[-1].finding(f"{count} simultaneous submissions for the same calls were accepted")
    elif concurrent.accepted:
        yield from _pass_if_simultaneous(concurrent)
    elif concurrent.all_decided:
        yield Inconclusive("all simultaneous submissions were refused")


@rule(
    units=concurrent_submissions,
    level=Level.SHOULD,
    source=_SUBMIT,
    capability="tools",
    requirements=("outputs-only-while-required",),
    needs_complete_history=True,
)
def one_of_two_submissions_is_taken(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """Of simultaneous submissions for all pending tool calls, one is accepted.

    If all are refused, the run keeps waiting although it was sent what it waits for.

    Fix: Refuse only the submissions that lose the compare-and-set on the run's status.
    """
    timeline = next((run for run in runs(concurrent.history) if run.id == concurrent.id), None)
    before = timeline.latest_before(concurrent.exchanges[0]) if timeline else None
    is_waiting = before is not None and before.status == "requires_action" and answer_all_calls(concurrent, before)
    if is_waiting and concurrent.all_decided:
        finding = concurrent.exchanges[-1].finding("all submissions for the pending calls were refused")
        yield PASSED if concurrent.accepted else finding


@dataclass(frozen=True, eq=False)
class ModificationDuringRun:
    """An accepted modification, and a later observation of the object with no other modification in between.

    `active_runs` are the runs of the thread that were active when the object was modified.
    """

    exchange: Exchange
    observation: Observation
    active_runs: tuple[RunTimeline, ...]

    @property
    def was_observed_after_the_end(self) -> bool:
        """Whether each of the active runs had certainly ended when the object was observed."""
        return all(
            run.had_ended_before(self.observation.exchange)
            or (self.observation.id == run.id and self.observation.status in TERMINAL)
            for run in self.active_runs
        )


def modifications_during_runs(history: History) -> Iterator[ModificationDuringRun]:
    """Every accepted modification of a run, its thread or a message while the run was active."""
    for exchange in history:
        kind = (exchange.operation or "").removeprefix("modify_")
        if exchange.operation not in ("modify_run", "modify_thread", "modify_message") or not exchange.accepted:
            continue
        timelines = runs_of_thread(history, exchange.path.get("thread_id", ""))
        active_runs = tuple(timeline for timeline in timelines if timeline.was_active_throughout(exchange))
        observation = _last_unaffected_observation(history, exchange, kind) if active_runs else None
        if observation is not None:
            yield ModificationDuringRun(exchange, observation, active_runs)


def _last_unaffected_observation(history: History, exchange: Exchange, kind: str) -> Observation | None:
    """The last observation of the modified object before another request may have modified it."""
    id_ = exchange.path.get(f"{kind}_id", "")
    others = [e for e in history if e.operation == exchange.operation and e.path == exchange.path and e is not exchange]
    observations = [
        observation
        for observation in all_observations(history)
        if observation.kind == kind and observation.id == id_ and exchange.happened_before(observation.exchange)
    ]
    unaffected = [
        observation
        for observation in observations
        if not any(
            (may_have_taken_effect(e) or _asked_for_what_is_shown(e, observation))
            and e.ended > exchange.started
            and e.started < observation.latest
            for e in others
        )
    ]
    return unaffected[-1] if unaffected else None


def _asked_for_what_is_shown(exchange: Exchange, observation: Observation) -> bool:
    """Whether a request, though refused, has the metadata that is shown: storing it is another fault."""
    requested, shown = at(exchange.request.body, "/metadata"), observation.get("metadata")
    return is_object(requested) and is_object(shown) and bool(shown) and shown.keys() <= requested.keys()


@rule(
    units=modifications_during_runs,
    level=Level.MUST,
    source=_MODIFY,
    capability="metadata",
    requirements=("locked-thread-stays-readable", "modify-active-run"),
)
def changes_outlive_the_run(modification: ModificationDuringRun) -> Iterator[Result]:
    """Metadata that was modified while a run was active is still there afterwards.

    A run that is saved back as it was when it started undoes a modification that was acknowledged in the meantime. The
    worker of a run saves it at the end at the latest, so only what is read afterwards shows that nothing was lost.

    Fix: Update only the fields that the run itself changes instead of saving an old copy.
    """
    acknowledged, stored = modification.exchange.member("metadata"), modification.observation.get("metadata")
    if not (is_object(acknowledged) and is_object(stored)):
        return
    is_stored = json_equal(acknowledged, stored)
    if is_stored and not modification.was_observed_after_the_end:
        yield Inconclusive("the modified object was not read after the run had ended")
    else:
        message = "the acknowledged metadata is not stored"
        yield modification.observation.check(is_stored, message, "/metadata", acknowledged, stored)


def concurrent_modifications(history: History) -> Iterator[tuple[ConcurrentRequests, Observation]]:
    """Overlapping accepted modifications of one object, with the next observation of it."""
    for each in concurrent_requests(history):
        kind = each.operation.removeprefix("modify_")
        later = [
            observation
            for observation in all_observations(history)
            if observation.kind == kind and observation.id == each.id and observation.earliest >= each.ended
        ]
        if each.operation.startswith("modify_") and len(each.accepted) > 1 and each.all_decided and later:
            yield each, later[0]


@rule(
    units=concurrent_modifications,
    level=Level.MUST,
    source=_MODIFY,
    capability="metadata",
    requirements=("ended-run-can-be-modified", "metadata-replace-or-merge"),
)
def of_two_changes_one_stands(pair: tuple[ConcurrentRequests, Observation]) -> Iterator[Result]:
    """After two simultaneous modifications of an object are accepted, at least one of them is in effect.

    Otherwise both clients see a success, and neither change was made. A server that has lost metadata of the object
    before proves nothing: it keeps none.

    Fix: Apply each modification atomically to the stored object.
    """
    concurrent, observation = pair
    stored = observation.get("metadata")
    sent = [_metadata(exchange) for exchange in concurrent.accepted]
    if is_object(stored) and all(sent):
        if _had_lost_metadata(concurrent, observation):
            yield Inconclusive("the object had lost metadata before, without simultaneous requests")
            return
        is_in_effect = any(all(json_equal(stored.get(key), value) for key, value in each.items()) for each in sent)
        if is_in_effect:
            yield from _pass_if_simultaneous(concurrent)
        else:
            message = "neither of two accepted modifications is in effect"
            yield observation.finding(message, "/metadata", actual=stored)


def _had_lost_metadata(concurrent: ConcurrentRequests, observation: Observation) -> bool:
    """Whether the object was shown without the metadata that it had been given, before the simultaneous requests."""
    started = min(exchange.started for exchange in concurrent.exchanges)
    return any(
        not contains(expected.observation.get("metadata"), dict(expected.latest_write.metadata))
        for timeline in metadata_timelines(concurrent.history)
        if (timeline.timeline.kind, timeline.timeline.id) == (observation.kind, observation.id)
        for expected in timeline.expectations
        if expected.latest_write.metadata and expected.observation.latest <= started
    )


def _metadata(exchange: Exchange) -> dict[str, JSON]:
    value = at(exchange.request.body, "/metadata")
    return dict(value) if is_object(value) else {}
