"""One object through time: everything that was seen of it and done to it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, is_object

_CREATING = ("create_run", "create_thread_and_run")


@dataclass(frozen=True, eq=False)
class Timeline:
    """Every sighting of one object, in the order of its exchanges."""

    kind: str
    id: str
    observations: tuple[Observation, ...]
    history: History

    def pairs(self) -> tuple[tuple[Observation, Observation], ...]:
        """Each sighting with the latest one that was certainly before it. Overlapping ones are not paired."""
        return self._pairs

    @cached_property
    def _pairs(self) -> tuple[tuple[Observation, Observation], ...]:
        """A run that is polled for minutes has hundreds of sightings, so the latest one is looked up, not searched."""
        ordered = sorted(self.observations, key=_by_end)
        ends = [sighting.latest for sighting in ordered]
        found: list[tuple[Observation, Observation]] = []
        event: Observation | None = None
        for later in self.observations:
            if event is not None and event.happened_before(later) and event.exchange is later.exchange:
                found.append((event, later))
            else:
                place = bisect_right(ends, later.earliest)
                while place and ordered[place - 1].exchange is later.exchange:
                    place -= 1
                if place:
                    found.append((ordered[place - 1], later))
            event = later
        return tuple(found)

    def latest_before(self, moment: Observation | Exchange) -> Observation | None:
        """The latest sighting that was certainly true before an exchange began or another sighting was true."""
        earlier = [
            sighting
            for sighting in self.observations
            if (
                sighting.happened_before(moment)
                if isinstance(moment, Observation)
                else _was_observed_before(sighting, moment)
            )
        ]
        return max(earlier, key=_by_end) if earlier else None

    def earliest_after(self, exchange: Exchange) -> Observation | None:
        """The earliest sighting from an exchange that began after this one had ended."""
        later = [s for s in self.observations if s.exchange is not exchange and exchange.ended <= s.earliest]
        return min(later, key=lambda s: (s.earliest, s.exchange.index, s.position)) if later else None

    @property
    def last(self) -> Observation:
        """The last sighting."""
        return self.observations[-1]


def _by_end(sighting: Observation) -> tuple[float, int, int]:
    return (sighting.latest, sighting.exchange.index, sighting.position)


def _was_observed_before(sighting: Observation, exchange: Exchange) -> bool:
    """Recorded events may all bear the time of their request, so an exchange's own sightings are left out by name."""
    return sighting.exchange is not exchange and sighting.latest <= exchange.started


@dataclass(frozen=True, eq=False)
class RunTimeline(Timeline):
    """The timeline of a run: what was seen of it, how it was created, and every exchange that names it."""

    @cached_property
    def creation(self) -> Exchange | None:
        """The accepted request that created it, if it was recorded."""
        return next((s.exchange for s in self.observations if s.exchange.operation in _CREATING), None)

    @cached_property
    def creation_body(self) -> dict[str, JSON]:
        """The members of the request that created it; none where that was not recorded."""
        body: JSON | Absent = self.creation.request.body if self.creation else ABSENT
        return dict(body) if is_object(body) else {}

    @cached_property
    def thread_id(self) -> str:
        """The thread it belongs to: as the path of an exchange names it, else as the run itself says."""
        for sighting in self.observations:
            if "thread_id" in sighting.exchange.path:
                return sighting.exchange.path["thread_id"]
        return self.observations[0].text("thread_id")

    def reopened_after_end(self, seen: Observation) -> bool:
        """Whether a sighting shows another status although the run had certainly ended before."""
        end = self._first_end
        return end is not None and end.status != seen.status and end.happened_before(seen)

    @cached_property
    def _first_end(self) -> Observation | None:
        return min((seen for seen in self.observations if seen.status in TERMINAL), key=_by_end, default=None)

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every exchange whose path names this run, accepted or not."""
        return tuple(exchange for exchange in self.history if exchange.path.get("run_id") == self.id)

    def actions(self, operation: str) -> tuple[Exchange, ...]:
        """The exchanges of one operation upon this run."""
        return tuple(exchange for exchange in self.exchanges if exchange.operation == operation)

    def had_status_throughout(self, exchange: Exchange, statuses: frozenset[str]) -> bool:
        """Whether the run certainly had one of these statuses throughout an exchange.

        True where it was seen so before and after, with nothing between that could have led away and back; or where
        it was seen in a terminal status before (which it never leaves).
        """
        before = self.latest_before(exchange)
        if before is None or before.status not in statuses:
            return False
        if before.status in TERMINAL:
            return True
        if self.has_action_between(before, exchange):
            return False
        after = self.earliest_after(exchange)
        return after is not None and after.status == before.status

    def has_action_between(self, earlier: Observation, exchange: Exchange) -> bool:
        """Whether anything that changes a run was sent between a sighting and an exchange, or alongside it.

        What was refused changes nothing.
        """
        return any(
            other is not exchange
            and other is not earlier.exchange
            and other.operation in ("cancel_run", "submit_tool_outputs")
            and not other.refused
            and other.ended > earlier.earliest
            and other.started < exchange.ended
            for other in self.exchanges
        )

    def was_active_throughout(self, exchange: Exchange) -> bool:
        """Whether the run was certainly not terminal at any moment of an exchange: seen active afterwards, too."""
        after = self.earliest_after(exchange)
        started = self.observations[0].latest <= exchange.started
        return started and after is not None and after.status in ACTIVE

    def had_ended_before(self, exchange: Exchange) -> bool:
        """Whether the run was certainly over before an exchange began."""
        before = self.latest_before(exchange)
        return before is not None and before.status in TERMINAL


def _observations_by_id(history: History, kind: str) -> dict[str, list[Observation]]:
    grouped: dict[str, list[Observation]] = {}
    for sighting in all_observations(history):
        if sighting.kind == kind and sighting.id:
            grouped.setdefault(sighting.id, []).append(sighting)
    return grouped


@lru_cache(maxsize=16)
def runs(history: History) -> tuple[RunTimeline, ...]:
    """The timeline of every run seen in a history."""
    return tuple(
        RunTimeline("run", id_, tuple(seen), history) for id_, seen in _observations_by_id(history, "run").items()
    )


@lru_cache(maxsize=64)
def timelines(kind: str, history: History) -> tuple[Timeline, ...]:
    """The timeline of every object of a kind (`run_step`, `message`, `thread`, `assistant`) seen in a history."""
    return tuple(Timeline(kind, id_, tuple(seen), history) for id_, seen in _observations_by_id(history, kind).items())


@lru_cache(maxsize=16)
def consistent_run_observations(history: History) -> tuple[Observation, ...]:
    """Every run object seen, but for those that show a run that had ended in another status than it had ended in.

    That they do is one fault, and one rule's matter; what else they show of it is a consequence.
    """
    return tuple(seen for run in runs(history) for seen in run.observations if not run.reopened_after_end(seen))


def steps(history: History) -> tuple[Timeline, ...]:
    """The timeline of every run step."""
    return timelines("run_step", history)


def messages(history: History) -> tuple[Timeline, ...]:
    """The timeline of every message."""
    return timelines("message", history)


def threads(history: History) -> tuple[Timeline, ...]:
    """The timeline of every thread object."""
    return timelines("thread", history)


def assistants(history: History) -> tuple[Timeline, ...]:
    """The timeline of every assistant object."""
    return timelines("assistant", history)


def find_run(history: History, id_: str) -> RunTimeline | None:
    """The timeline of the run with this id."""
    return next((run for run in runs(history) if run.id == id_), None)


def runs_of_thread(history: History, thread_id: str) -> Iterable[RunTimeline]:
    """The timelines of the runs of one thread."""
    return (run for run in runs(history) if run.thread_id == thread_id)


def minimum_age(run: RunTimeline, sighting: Observation) -> float:
    """The seconds that had surely passed since the run's `created_at` when this was seen."""
    return max(0.0, sighting.earliest - run.observations[0].latest)


def maximum_age(run: RunTimeline, sighting: Observation) -> float | None:
    """The seconds that can at most have passed since the run's `created_at`; None where its creation was not recorded.

    One second more than by the clock, because `created_at` is cut to whole seconds.
    """
    return None if run.creation is None else sighting.latest - run.creation.started + 1.0


def lifetime(run: RunTimeline) -> float | None:
    """The seconds from `created_at` to `expires_at`, as the run first showed both; None where it never did."""
    for sighting in run.observations:
        created, expires = sighting.time("created_at"), sighting.time("expires_at")
        if created is not None and expires is not None:
            return expires - created
    return None


MAX_TRANSITIONS = 60
"""So many different transitions are kept: a target that invents statuses must not fill a report."""

_LONGEST = 40

Transitions = Counter[tuple[str, str]]
"""How often runs were seen in one status, and next in another."""


def transitions(history: History) -> Transitions:
    """Every change of a run's status between two looks of which one was certainly before the other."""
    seen: Transitions = Counter()
    for run in runs(history):
        for earlier, later in run.pairs():
            if earlier.status and later.status and earlier.status != later.status:
                seen[earlier.status[:_LONGEST], later.status[:_LONGEST]] += 1
    return most_frequent(seen)


def most_frequent(seen: Transitions) -> Transitions:
    """The transitions, without the rarest where there are too many."""
    return seen if len(seen) <= MAX_TRANSITIONS else Counter(dict(seen.most_common(MAX_TRANSITIONS)))
