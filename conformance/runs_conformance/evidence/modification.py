"""Modifications of objects, with what was certain of the object before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import RunTimeline, Timeline, assistants, find_run, runs, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, is_object

_KINDS = {"modify_assistant": "assistant", "modify_thread": "thread", "modify_message": "message", "modify_run": "run"}


@dataclass(frozen=True, eq=False)
class Modification:
    """One request to modify an object that was seen."""

    kind: str
    exchange: Exchange
    timeline: Timeline

    @property
    def requested(self) -> Mapping[str, JSON]:
        """The members that the request gives."""
        body = self.exchange.request.body
        return body if is_object(body) else {}

    @property
    def answer(self) -> Observation | None:
        """The object as the answer shows it."""
        return next(iter(observations_in(self.exchange)), None)

    @property
    def state_before(self) -> Observation | None:
        """The last look before it, unless another modification came in between or alongside."""
        return self._unless_modified_meanwhile(self.timeline.latest_before(self.exchange))

    @property
    def state_after(self) -> Observation | None:
        """The first look after it, unless another modification came in between or alongside, or is itself the look."""
        seen = self.timeline.earliest_after(self.exchange)
        modified = seen is not None and seen.exchange.operation == self.exchange.operation
        return None if modified else self._unless_modified_meanwhile(seen)

    @property
    def is_quiescent(self) -> bool:
        """Whether the object cannot have changed by itself since the look before: a run, or a message of a run, that
        had ended.
        """
        since = self.state_before.exchange if self.state_before is not None else self.exchange
        if self.kind == "run":
            return isinstance(self.timeline, RunTimeline) and self.timeline.had_ended_before(self.exchange)
        run_id = self.timeline.observations[0].text("run_id") if self.kind == "message" else ""
        run = find_run(self.timeline.history, run_id) if run_id else None
        return not run_id or (run is not None and run.had_ended_before(since))

    def _unless_modified_meanwhile(self, seen: Observation | None) -> Observation | None:
        if seen is None:
            return None
        first, last = min(seen.earliest, self.exchange.started), max(seen.latest, self.exchange.ended)
        others = (other for other in self.timeline.history if other.operation == self.exchange.operation)
        disturbed = any(
            other is not self.exchange
            and other is not seen.exchange
            and other.path == self.exchange.path
            and may_have_taken_effect(other)
            and other.ended > first
            and other.started < last
            for other in others
        )
        return None if disturbed else seen


def _is_in_thread_of(line: Timeline, exchange: Exchange) -> bool:
    """Whether the path of a request does not put the object into another thread."""
    named = exchange.path.get("thread_id")
    return named is None or line.kind == "thread" or line.observations[0].get("thread_id") in (named, ABSENT)


@lru_cache(maxsize=16)
def modifications(history: History) -> tuple[Modification, ...]:
    """Every request to modify an object that was seen in a history, by its own path, accepted or not."""
    found = []
    for exchange in history:
        kind = _KINDS.get(exchange.operation or "")
        if kind is None:
            continue
        lines = runs(history) if kind == "run" else timelines(kind, history)
        line = next((each for each in lines if each.id == exchange.path.get(f"{kind}_id")), None)
        if line is not None and _is_in_thread_of(line, exchange):
            found.append(Modification(kind, exchange, line))
    return tuple(found)


def settings_at_creation(run: RunTimeline) -> Observation | None:
    """The run as the request that created it first showed it; None where either is not known."""
    if run.creation is not None and not is_interpretable(run.creation):
        return None
    return next((seen for seen in run.observations if seen.exchange is run.creation), None)


def assistant_at_creation(run: RunTimeline) -> Observation | None:
    """The run's assistant as it certainly was when the run was created; None where that is not certain."""
    creation, wanted = run.creation, run.creation_body.get("assistant_id")
    line = next((each for each in assistants(run.history) if each.id == wanted), None)
    seen = line.latest_before(creation) if line is not None and creation is not None else None
    if seen is None or creation is None:
        return None
    changed = any(
        exchange.operation == "modify_assistant"
        and exchange.path.get("assistant_id") == wanted
        and exchange is not seen.exchange
        and may_have_taken_effect(exchange)
        and exchange.ended >= seen.earliest
        and exchange.started <= creation.ended
        for exchange in run.history
    )
    return None if changed else seen
