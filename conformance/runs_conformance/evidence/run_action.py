"""What was done to a run, and what of it may have taken effect between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import TERMINAL, TRANSITIONS
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_expectation import must_be_accepted, uses_default_auth
from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_ACTIONS = ("cancel_run", "submit_tool_outputs")


def may_have_taken_effect(exchange: Exchange) -> bool:
    """Whether the request may have been carried out: it was accepted, or nobody knows. A 4xx says that it was not."""
    if exchange.accepted or exchange.completion is Completion.UNKNOWN:
        return True
    return exchange.status is not None and exchange.status >= 500


def actions_between(run: RunTimeline, operation: str, earlier: Observation, later: Observation) -> Iterator[Exchange]:
    """The acts of one operation upon a run that may have taken effect after one sighting and before another."""
    for exchange in run.actions(operation):
        if may_have_taken_effect(exchange) and exchange.ended >= earlier.earliest and exchange.started <= later.latest:
            yield exchange


def may_be_resumed_between(run: RunTimeline, earlier: Observation, later: Observation) -> bool:
    """Whether tool outputs may have been taken between two sightings."""
    return any(actions_between(run, "submit_tool_outputs", earlier, later))


def may_be_cancelled_between(run: RunTimeline, earlier: Observation, later: Observation) -> bool:
    """Whether the run may have been told to stop between two sightings: by a cancellation, or with its thread."""
    return any(actions_between(run, "cancel_run", earlier, later)) or any(
        exchange.operation == "delete_thread"
        and exchange.path.get("thread_id") == run.thread_id
        and may_have_taken_effect(exchange)
        and exchange.started <= later.latest
        for exchange in run.history
    )


def reachable_without_outputs(status: str) -> frozenset[str]:
    """The statuses that a run can come to from this one while nobody submits tool outputs, itself included."""
    seen, todo = {status}, [status]
    while todo:
        current = todo.pop()
        following = TRANSITIONS.get(current, frozenset())
        if current == "requires_action":
            following -= {"queued", "in_progress"}
        todo.extend(following - seen)
        seen |= following
    return frozenset(seen)


@dataclass(frozen=True, eq=False)
class RunAction:
    """One cancellation or submission, with what was certain of the run before it and after it."""

    run: RunTimeline
    exchange: Exchange

    @property
    def state_before(self) -> Observation | None:
        """The last look before it, unless something else was done to the run in between or alongside."""
        seen = self.run.latest_before(self.exchange)
        return seen if seen is not None and not self.run.has_action_between(seen, self.exchange) else None

    @property
    def state_after(self) -> Observation | None:
        """The first look after it, unless something else was done to the run by then."""
        seen = self.run.earliest_after(self.exchange)
        acts = (other for operation in _ACTIONS for other in self.run.actions(operation))
        others = [other for other in acts if other is not self.exchange and not other.refused]
        if seen is None or any(o.ended > self.exchange.started and o.started < seen.latest for o in others):
            return None
        return seen

    @property
    def must_be_accepted(self) -> bool:
        """Whether nothing in how it was sent lets a correct server refuse it."""
        return must_be_accepted(self.exchange)

    @property
    def answer(self) -> Observation | None:
        """The run as the answer shows it: the first time, if it is a stream."""
        return next((seen for seen in self.run.observations if seen.exchange is self.exchange), None)

    @property
    def later_observations(self) -> tuple[Observation, ...]:
        """Every look that began when the act was over."""
        return tuple(seen for seen in self.run.observations if self.exchange.ended <= seen.earliest)

    @property
    def final_state(self) -> Observation | None:
        """The run's end, as it was first seen."""
        return next((seen for seen in self.run.observations if seen.status in TERMINAL), None)


def cancellations(history: History) -> Iterator[RunAction]:
    """Every cancellation of a run that was seen, by its own path and with the usual key, accepted or not."""
    return _actions(history, "cancel_run")


def all_cancellations(history: History) -> Iterator[RunAction]:
    """Every cancellation that names a run that was seen, also by another path or with another key."""
    return (RunAction(run, exchange) for run in runs(history) for exchange in run.actions("cancel_run"))


def submissions(history: History) -> Iterator[RunAction]:
    """Every submission of tool outputs to a run that was seen, by its own path and with the usual key."""
    return _actions(history, "submit_tool_outputs")


def _actions(history: History, operation: str) -> Iterator[RunAction]:
    return (
        RunAction(run, exchange)
        for run in runs(history)
        for exchange in run.actions(operation)
        if uses_default_auth(exchange) and targets_existing_run(run, exchange)
    )


def targets_existing_run(run: RunTimeline, exchange: Exchange) -> bool:
    """Whether an act names the run's own thread, and that cannot have been deleted by then; else the answer is 404."""
    return exchange.path.get("thread_id") == run.thread_id and not any(
        other.operation == "delete_thread"
        and other.path.get("thread_id") == run.thread_id
        and may_have_taken_effect(other)
        and other.started < exchange.ended
        for other in run.history
    )
