"""Races between modifications of an object, and between a modification and a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.concurrent_requests import ConcurrentRequests, concurrent_requests
from runs_conformance.evidence.metadata import metadata_timelines
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_timeline import RunTimeline, runs_of_thread
from runs_conformance.evidence.stale_item import is_list_item, mark_stale
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at, contains, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Inconclusive, Result
from runs_conformance.rules.races.simultaneity import pass_if_simultaneous

_MODIFY = schema(
    "openai-openapi f85dbe2 openapi.yaml modifyRun, modifyThread, modifyMessage, modifyAssistant: modifies it"
)


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
        if not mark_stale(observation, history).is_consequence
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
    """Whether a request, though refused, has the metadata that is shown: storing it is another violation."""
    requested, shown = at(exchange.request.body, "/metadata"), observation.get("metadata")
    return is_object(requested) and is_object(shown) and bool(shown) and shown.keys() <= requested.keys()


@rule(
    units=modifications_during_runs,
    level=Level.MUST,
    source=_MODIFY,
    capability="metadata",
    clauses=("locked-thread-stays-readable", "modify-active-run"),
)
def changes_outlive_the_run(modification: ModificationDuringRun) -> Iterator[Result]:
    """Metadata that was modified while a run was active is still there afterwards.

    A worker that writes back the run as it loaded it overwrites a modification that was acknowledged in the meantime.
    It does so at the end of the run at the latest, so only a later read shows that nothing was lost.

    Fix: Update only the fields that the run itself changes instead of saving an old copy.
    """
    acknowledged, stored = modification.exchange.member("metadata"), modification.observation.get("metadata")
    if not (is_object(acknowledged) and is_object(stored)):
        return
    is_stored = json_equal(acknowledged, stored)
    if is_stored and not modification.was_observed_after_the_end:
        yield Inconclusive("the modified object was not read after the run had ended")
    else:
        shown = modification.observation
        message = f"the acknowledged metadata is not {'shown by the list' if is_list_item(shown) else 'stored'}"
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
    clauses=("ended-run-can-be-modified", "metadata-replace-or-merge"),
)
def of_two_changes_one_stands(pair: tuple[ConcurrentRequests, Observation]) -> Iterator[Result]:
    """After two simultaneous modifications of an object are accepted, at least one of them is in effect.

    Otherwise both clients see a success, and neither change was made. The rule is inconclusive if the object had lost
    metadata before: such a server needs no race to lose it.

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
            yield from pass_if_simultaneous(concurrent)
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
