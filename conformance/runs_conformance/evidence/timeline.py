"""Timelines: the observations of one object in order."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.evidence.creation import shared_ids
from runs_conformance.evidence.observation import Observation, all_observations, observations
from runs_conformance.evidence.stale_item import mark_stale
from runs_conformance.model.case import Refuse, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History


@dataclass(frozen=True, eq=False)
class Timeline:
    """Every observation of one object, ordered by the start of the exchanges."""

    kind: str
    id: str
    observations: tuple[Observation, ...]
    history: History

    def pairs(self) -> tuple[tuple[Observation, Observation], ...]:
        """Each observation with the latest one that certainly happened before it; overlapping ones are not paired.

        A stale item of a list is paired with what happened before it, and with nothing after it.
        """
        return self._pairs

    @cached_property
    def _current(self) -> tuple[Observation, ...]:
        """The observations without stale items of lists."""
        return tuple(observation for observation in self.observations if not observation.is_consequence)

    @cached_property
    def _pairs(self) -> tuple[tuple[Observation, Observation], ...]:
        """Found by binary search, since a run that is polled for minutes has hundreds of observations."""
        ordered = sorted(self._current, key=end_of)
        ends = [observation.latest for observation in ordered]
        pairs: list[tuple[Observation, Observation]] = []
        event: Observation | None = None
        for later in self.observations:
            if event is not None and event.happened_before(later) and event.exchange is later.exchange:
                pairs.append((event, later))
            else:
                place = bisect_right(ends, later.earliest)
                while place and ordered[place - 1].exchange is later.exchange:
                    place -= 1
                if place:
                    pairs.append((ordered[place - 1], later))
            event = later
        return tuple(pairs)

    def latest_before(self, moment: Observation | Exchange) -> Observation | None:
        """The latest observation that certainly happened before an exchange or another observation."""
        earlier = [
            observation
            for observation in self._current
            if (
                observation.happened_before(moment)
                if isinstance(moment, Observation)
                else _was_observed_before(observation, moment)
            )
        ]
        return max(earlier, key=end_of) if earlier else None

    def earliest_after(self, exchange: Exchange) -> Observation | None:
        """The earliest observation from an exchange that began after this one had ended."""
        later = [s for s in self._current if s.exchange is not exchange and exchange.ended <= s.earliest]
        return min(later, key=lambda s: (s.earliest, s.exchange.index, s.position)) if later else None

    @property
    def last(self) -> Observation:
        """The last observation."""
        return self.observations[-1]


def end_of(observation: Observation) -> tuple[float, int, int]:
    """The latest time of an observation, and its position in the history; a sort key."""
    return (observation.latest, observation.exchange.index, observation.position)


def _was_observed_before(observation: Observation, exchange: Exchange) -> bool:
    """Whether an observation certainly happened before an exchange, and is not part of it. Recorded events may all
    carry the time of their request, so times alone do not suffice.
    """
    return observation.exchange is not exchange and observation.latest <= exchange.started


@lru_cache(maxsize=64)
def timelines(kind: str, history: History) -> tuple[Timeline, ...]:
    """The timeline of every object of a kind (`run_step`, `message`, `thread`, `assistant`) in a history.

    Those with an ambiguous id are left out.
    """
    ambiguous = ambiguous_ids(history)
    return tuple(
        Timeline(kind, id_, tuple(observations), history)
        for id_, observations in observations_by_id(history, kind).items()
        if (kind, id_) not in ambiguous
    )


_PARENTS = {"run": "thread_id", "message": "thread_id", "run_step": "run_id"}
"""The path parameter that names the parent of each kind of object that has one."""


@lru_cache(maxsize=16)
def ambiguous_ids(history: History) -> frozenset[tuple[str, str]]:
    """The kind and id of objects whose id is also that of another: one created twice, or found under several parents.

    One rule reports that; comparing the objects with each other would only repeat it. An object that names another
    parent than its path, or is shown in response to a request that must be refused, is not where it belongs.
    """
    parents: dict[tuple[str, str], set[str]] = {}
    for observation in all_observations(history):
        parent = observation.exchange.path.get(_PARENTS.get(observation.kind, ""))
        if parent is not None and observation.id and not observation.is_misplaced and not _must_fail(observation):
            parents.setdefault((observation.kind, observation.id), set()).add(parent)
    return shared_ids(history).union(key for key, those in parents.items() if len(those) > 1)


def _must_fail(observation: Observation) -> bool:
    step = observation.exchange.step
    return step is not None and (
        step.role is Role.NEGATIVE or step.dangling is not None or isinstance(step.expectation, Refuse)
    )


def steps(history: History) -> tuple[Timeline, ...]:
    """The timelines of all run steps whose id no step of another run has.

    One rule reports shared ids; comparing the steps of two runs would only repeat it.
    """
    return tuple(timeline for timeline in timelines("run_step", history) if len(_runs_of_step(timeline)) == 1)


def _runs_of_step(timeline: Timeline) -> frozenset[str]:
    """The runs that a step belongs to, by the paths that showed it, its own member, or else the run of its stream."""
    shown = _runs_by_exchange(timeline.history)
    return frozenset(
        each.exchange.path.get("run_id") or each.text("run_id") or shown.get(each.exchange.id, each.exchange.id)
        for each in timeline.observations
    )


@lru_cache(maxsize=16)
def _runs_by_exchange(history: History) -> dict[str, str]:
    """By the id of each exchange whose response shows a run, the id of the first one."""
    found: dict[str, str] = {}
    for run in observations("run", history):
        if run.id:
            found.setdefault(run.exchange.id, run.id)
    return found


def messages(history: History) -> tuple[Timeline, ...]:
    """The timeline of every message."""
    return timelines("message", history)


def threads(history: History) -> tuple[Timeline, ...]:
    """The timeline of every thread."""
    return timelines("thread", history)


def assistants(history: History) -> tuple[Timeline, ...]:
    """The timeline of every assistant."""
    return timelines("assistant", history)


def observations_by_id(history: History, kind: str) -> dict[str, list[Observation]]:
    """The observations of the objects of a kind, by the id of the object. Stale items of lists are consequences."""
    grouped: dict[str, list[Observation]] = {}
    for observation in observations(kind, history):
        if observation.id:
            grouped.setdefault(observation.id, []).append(mark_stale(observation, history))
    return grouped
