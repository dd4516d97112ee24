"""Timelines of runs: the observations of one run in order, the requests to it, and its age."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from runs_conformance.contract.lifecycle import ACTIVE, STATUSES, TERMINAL
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.outdated_run import outdated_observations
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.timeline import Timeline, ambiguous_ids, end_of, observations_by_id
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, is_object

_CREATING = ("create_run", "create_thread_and_run")
_ACTIONS = ("submit_tool_outputs", "cancel_run")


@dataclass(frozen=True, eq=False)
class RunTimeline(Timeline):
    """The timeline of a run, with its creation and every exchange that names it.

    One that is limited to its creation knows no other exchange, because the id of the run is ambiguous.
    """

    is_limited_to_creation: bool = False

    @cached_property
    def creation(self) -> Exchange | None:
        """The accepted request that created the run; None if it was not recorded."""
        return next((s.exchange for s in self.observations if s.exchange.operation in _CREATING), None)

    @cached_property
    def creation_body(self) -> dict[str, JSON]:
        """The body of the request that created the run; empty if it was not recorded."""
        body: JSON | Absent = self.creation.request.body if self.creation else ABSENT
        return dict(body) if is_object(body) else {}

    @cached_property
    def thread_id(self) -> str:
        """The id of the thread: from the path of its creation, or of a response about the run itself, or from the run.

        A list may show a run of another thread.
        """
        for observation in self.observations:
            if observation.is_misplaced and observation.exchange.operation == "list_runs":
                continue
            if "thread_id" in observation.exchange.path:
                return observation.exchange.path["thread_id"]
        return self.observations[0].text("thread_id")

    @cached_property
    def outdated(self) -> frozenset[Observation]:
        """The observations in lists that the other responses contradict: an earlier state, or that of another moment.

        One rule reports them if the run had ended. They do not tell the state of the run before or after a request.
        """
        is_recorded = self.creation is not None
        return outdated_observations(self.observations, self.possible_actions if is_recorded else None)

    @cached_property
    def up_to_date(self) -> Timeline:
        """The timeline without the observations that are outdated."""
        current = tuple(each for each in self.observations if each not in self.outdated)
        return Timeline(self.kind, self.id, current, self.history)

    def latest_before(self, moment: Observation | Exchange) -> Observation | None:
        """The latest observation that certainly happened before a moment, and is not outdated."""
        return self.up_to_date.latest_before(moment) if self.outdated else super().latest_before(moment)

    def earliest_after(self, exchange: Exchange) -> Observation | None:
        """The earliest observation from an exchange that began after this one had ended, and is not outdated."""
        return self.up_to_date.earliest_after(exchange) if self.outdated else super().earliest_after(exchange)

    def reopened_after_end(self, observation: Observation) -> bool:
        """Whether an observation shows another status although the run had certainly ended before.

        A status that is missing or unknown does not tell that the run left its own.
        """
        end = self._first_end
        return (
            end is not None
            and observation.status in STATUSES
            and end.status != observation.status
            and end.happened_before(observation)
        )

    @cached_property
    def ended_observations(self) -> tuple[Observation, ...]:
        """The observations in a terminal status, until one that shows that the run did not stay ended."""
        consistent = itertools.takewhile(lambda each: not self.reopened_after_end(each), self.observations)
        return tuple(observation for observation in consistent if observation.status in TERMINAL)

    @cached_property
    def _first_end(self) -> Observation | None:
        return min(
            (observation for observation in self.observations if observation.status in TERMINAL),
            key=end_of,
            default=None,
        )

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every exchange whose path names the run, accepted or not."""
        if self.is_limited_to_creation:
            return ()
        return _exchanges_by_run(self.history).get(self.id, ())

    def actions(self, operation: str) -> tuple[Exchange, ...]:
        """The exchanges of one operation on the run."""
        return tuple(exchange for exchange in self.exchanges if exchange.operation == operation)

    @cached_property
    def possible_actions(self) -> tuple[Exchange, ...]:
        """The requests that may have resumed, cancelled or stopped the run.

        The deletion of the thread is one of them: it may stop the run at any time after it began. So is an action that
        was refused for its key: a server that carries it out nevertheless violates other rules.
        """
        actions = (each for name in _ACTIONS for each in self.actions(name))
        possible = (each for each in actions if may_have_taken_effect(each) or each.status in UNAUTHORIZED_STATUSES)
        deletions = self.history.in_thread(self.thread_id, "delete_thread")
        return (*possible, *filter(may_have_taken_effect, deletions))

    def had_status_throughout(self, exchange: Exchange, statuses: frozenset[str]) -> bool:
        """Whether the run certainly had one of these statuses throughout an exchange.

        True if it was observed in the same status before and after, without an action in between that could have
        changed it back and forth; or if it was in a terminal status before.
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
        """Whether an action may have taken effect between an observation and the end of an exchange."""
        return any(
            other is not exchange
            and other is not earlier.exchange
            and (other.ended > earlier.earliest or other.operation == "delete_thread")
            and other.started < exchange.ended
            for other in self.possible_actions
        )

    def was_active_throughout(self, exchange: Exchange) -> bool:
        """Whether the run was certainly active throughout an exchange: it existed before and was active afterwards."""
        after = self.earliest_after(exchange)
        started = self.observations[0].latest <= exchange.started
        return started and after is not None and after.status in ACTIVE

    def had_ended_before(self, exchange: Exchange) -> bool:
        """Whether the run had certainly ended before an exchange began."""
        before = self.latest_before(exchange)
        return before is not None and before.status in TERMINAL


@lru_cache(maxsize=16)
def _exchanges_by_run(history: History) -> dict[str, tuple[Exchange, ...]]:
    """By the id of each run, the exchanges whose path names it."""
    found: dict[str, list[Exchange]] = {}
    for exchange in history:
        if (id_ := exchange.path.get("run_id")) is not None:
            found.setdefault(id_, []).append(exchange)
    return {id_: tuple(exchanges) for id_, exchanges in found.items()}


@lru_cache(maxsize=16)
def runs(history: History) -> tuple[RunTimeline, ...]:
    """The timeline of every run in a history, except those with an ambiguous id."""
    ambiguous = ambiguous_ids(history)
    return tuple(run for run in all_runs(history) if ("run", run.id) not in ambiguous)


@lru_cache(maxsize=16)
def created_runs(history: History) -> tuple[RunTimeline, ...]:
    """The timeline of every run; for those with an ambiguous id, one for each creation, and limited to it."""
    ambiguous = (run for run in all_runs(history) if ("run", run.id) in ambiguous_ids(history))
    limited: list[RunTimeline] = []
    for run in ambiguous:
        by_creation = itertools.groupby(run.observations, key=lambda each: each.exchange)
        limited += (
            RunTimeline("run", run.id, tuple(shown), history, is_limited_to_creation=True)
            for exchange, shown in by_creation
            if exchange.operation in _CREATING
        )
    return (*runs(history), *limited)


@lru_cache(maxsize=16)
def all_runs(history: History) -> tuple[RunTimeline, ...]:
    """The observations of each id of a run in a history, even if it is that of several runs."""
    return tuple(
        RunTimeline("run", id_, tuple(observations), history)
        for id_, observations in observations_by_id(history, "run").items()
    )


@lru_cache(maxsize=16)
def run_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of a run; those in another status after the run had ended are consequences.

    One rule reports that a run left its terminal status; other violations in such observations may follow from it.
    """
    ambiguous = ambiguous_ids(history)
    return tuple(
        replace(observation, is_consequence=True)
        if ("run", run.id) not in ambiguous and run.reopened_after_end(observation)
        else observation
        for run in all_runs(history)
        for observation in run.observations
    )


def find_run(history: History, id_: str) -> RunTimeline | None:
    """The timeline of the run with this id; None if it was not observed, or the id is ambiguous."""
    return _runs_by_id(history).get(id_)


@lru_cache(maxsize=16)
def _runs_by_id(history: History) -> dict[str, RunTimeline]:
    return {run.id: run for run in runs(history)}


def runs_of_thread(history: History, thread_id: str) -> Iterable[RunTimeline]:
    """The timelines of the runs of one thread, also those with an ambiguous id."""
    return _runs_by_thread(history).get(thread_id, ())


@lru_cache(maxsize=16)
def _runs_by_thread(history: History) -> dict[str, tuple[RunTimeline, ...]]:
    found: dict[str, list[RunTimeline]] = {}
    for run in all_runs(history):
        found.setdefault(run.thread_id, []).append(run)
    return {thread_id: tuple(timelines) for thread_id, timelines in found.items()}


def parents_of_run(run: RunTimeline, name: str) -> tuple[JSON, ...]:
    """The values of `thread_id` or `assistant_id` that objects of a run may show: the requested one, and the run's own.

    A run that shows another parent than the requested one is reported by another rule.
    """
    requested = run.thread_id if name == "thread_id" else run.creation_body.get(name)
    shown = (value for each in run.observations if not isinstance(value := each.get(name), Absent))
    return (*((requested,) if requested else ()), *shown)


def minimum_age(run: RunTimeline, observation: Observation) -> float:
    """The seconds that had certainly passed since the run's `created_at` at an observation.

    Ages are differences on the suite's clock, because the target's clock may differ by minutes.
    """
    return max(0.0, observation.earliest - run.observations[0].latest)


def maximum_age(run: RunTimeline, observation: Observation) -> float | None:
    """The seconds that have passed at most since the run's `created_at`; None if its creation was not recorded.

    One second is added, because `created_at` is truncated to whole seconds.
    """
    return None if run.creation is None else observation.latest - run.creation.started + 1.0


def lifetime(run: RunTimeline) -> float | None:
    """The seconds from `created_at` to `expires_at` in the first observation with both; None if there is none."""
    for observation in run.observations:
        created, expires = observation.time("created_at"), observation.time("expires_at")
        if created is not None and expires is not None:
            return expires - created
    return None
