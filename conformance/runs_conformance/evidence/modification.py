"""Modifications of objects, with the certain state before and after; inherited settings of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_timeline import RunTimeline, find_run, runs
from runs_conformance.evidence.timeline import Timeline, assistants, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, is_object

_KINDS = {"modify_assistant": "assistant", "modify_thread": "thread", "modify_message": "message", "modify_run": "run"}


@dataclass(frozen=True, eq=False)
class Modification:
    """One request to modify an observed object."""

    kind: str
    exchange: Exchange
    timeline: Timeline

    @property
    def requested(self) -> Mapping[str, JSON]:
        """The members of the request body."""
        body = self.exchange.request.body
        return body if is_object(body) else {}

    @property
    def response_object(self) -> Observation | None:
        """The object in the response."""
        return next(iter(observations_in(self.exchange)), None)

    @property
    def state_before(self) -> Observation | None:
        """The last observation before the request; None if another modification may have intervened."""
        return self._unless_modified_meanwhile(self.timeline.latest_before(self.exchange))

    @property
    def last_written(self) -> Observation | None:
        """The object in the last response to its creation or modification before the request.

        A read between them may be stale. None if another modification may have intervened. After its creation, a run
        changes by itself.
        """
        operations = {self.exchange.operation} | ({f"create_{self.kind}"} if self.kind != "run" else set())
        written = [
            each
            for each in self.timeline.observations
            if each.exchange.operation in operations and each.exchange.happened_before(self.exchange)
        ]
        return self._unless_modified_meanwhile(max(written, key=lambda each: each.latest, default=None))

    @property
    def state_after(self) -> Observation | None:
        """The first observation after the request; None if another modification may have intervened or shows it."""
        observation = self.timeline.earliest_after(self.exchange)
        shows_modification = observation is not None and observation.exchange.operation == self.exchange.operation
        return None if shows_modification else self._unless_modified_meanwhile(observation)

    @property
    def is_quiescent(self) -> bool:
        """Whether the object cannot have changed by itself since `state_before`.

        A run, or a message of a run, is quiescent if the run had ended.
        """
        since = self.state_before.exchange if self.state_before is not None else self.exchange
        if self.kind == "run":
            return isinstance(self.timeline, RunTimeline) and self.timeline.had_ended_before(self.exchange)
        run_id = self.timeline.observations[0].text("run_id") if self.kind == "message" else ""
        run = find_run(self.timeline.history, run_id) if run_id else None
        return not run_id or (run is not None and run.had_ended_before(since))

    def _unless_modified_meanwhile(self, observation: Observation | None) -> Observation | None:
        if observation is None:
            return None
        first, last = min(observation.earliest, self.exchange.started), max(observation.latest, self.exchange.ended)
        others = (other for other in self.timeline.history if other.operation == self.exchange.operation)
        is_modified_meanwhile = any(
            other is not self.exchange
            and other is not observation.exchange
            and other.path == self.exchange.path
            and may_have_taken_effect(other)
            and other.ended > first
            and other.started < last
            for other in others
        )
        return None if is_modified_meanwhile else observation


def _is_in_thread_of(timeline: Timeline, exchange: Exchange) -> bool:
    """Whether the path of a request names the object's thread, or no thread."""
    thread_id = exchange.path.get("thread_id")
    return (
        thread_id is None
        or timeline.kind == "thread"
        or timeline.observations[0].get("thread_id") in (thread_id, ABSENT)
    )


@lru_cache(maxsize=16)
def modifications(history: History) -> tuple[Modification, ...]:
    """Every request in a history that modifies an observed object by its own path, accepted or not."""
    modified = []
    for exchange in history:
        kind = _KINDS.get(exchange.operation or "")
        if kind is None:
            continue
        candidates = runs(history) if kind == "run" else timelines(kind, history)
        timeline = next((each for each in candidates if each.id == exchange.path.get(f"{kind}_id")), None)
        if timeline is not None and _is_in_thread_of(timeline, exchange):
            modified.append(Modification(kind, exchange, timeline))
    return tuple(modified)


def settings_at_creation(run: RunTimeline) -> Observation | None:
    """The run as the response to its creation first shows it; None if the request or its meaning is not known."""
    if run.creation is not None and not is_interpretable(run.creation):
        return None
    return next((observation for observation in run.observations if observation.exchange is run.creation), None)


def assistant_at_creation(run: RunTimeline) -> Observation | None:
    """The certain state of the run's assistant when the run was created; None if it is not certain."""
    creation, assistant_id = run.creation, run.creation_body.get("assistant_id")
    timeline = next((each for each in assistants(run.history) if each.id == assistant_id), None)
    observation = timeline.latest_before(creation) if timeline is not None and creation is not None else None
    if observation is None or creation is None:
        return None
    may_have_changed = any(
        exchange.operation == "modify_assistant"
        and exchange.path.get("assistant_id") == assistant_id
        and exchange is not observation.exchange
        and may_have_taken_effect(exchange)
        and exchange.ended >= observation.earliest
        and exchange.started <= creation.ended
        for exchange in run.history
    )
    return None if may_have_changed else observation
