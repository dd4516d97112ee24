"""What was done to a run, and what of it may have taken effect between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import TERMINAL, TRANSITIONS
from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.request_expectation import plain, usual
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_ACTS = ("cancel_run", "submit_tool_outputs")


def took_effect(exchange: Exchange) -> bool:
    """Whether the request may have been carried out: it was accepted, or nobody knows. A 4xx says that it was not."""
    if exchange.accepted or exchange.completion is Completion.UNKNOWN:
        return True
    return exchange.status is not None and exchange.status >= 500


def acts_between(run: RunLine, operation: str, earlier: Sighting, later: Sighting) -> Iterator[Exchange]:
    """The acts of one operation upon a run that may have taken effect after one sighting and before another."""
    for exchange in run.acts(operation):
        if took_effect(exchange) and exchange.ended >= earlier.begins and exchange.started <= later.ends:
            yield exchange


def resumed_between(run: RunLine, earlier: Sighting, later: Sighting) -> bool:
    """Whether tool outputs may have been taken between two sightings."""
    return any(acts_between(run, "submit_tool_outputs", earlier, later))


def cancelled_between(run: RunLine, earlier: Sighting, later: Sighting) -> bool:
    """Whether the run may have been told to stop between two sightings: by a cancellation, or with its thread."""
    return any(acts_between(run, "cancel_run", earlier, later)) or any(
        exchange.operation == "delete_thread"
        and exchange.path.get("thread_id") == run.thread_id
        and took_effect(exchange)
        and exchange.started <= later.ends
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
class Act:
    """One cancellation or submission, with what was certain of the run before it and after it."""

    run: RunLine
    exchange: Exchange

    @property
    def before(self) -> Sighting | None:
        """The last look before it, unless something else was done to the run in between or alongside."""
        seen = self.run.before(self.exchange)
        return seen if seen is not None and not self.run.acted_between(seen, self.exchange) else None

    @property
    def after(self) -> Sighting | None:
        """The first look after it, unless something else was done to the run by then."""
        seen = self.run.after(self.exchange)
        acts = (other for operation in _ACTS for other in self.run.acts(operation))
        others = [other for other in acts if other is not self.exchange and not other.refused]
        if seen is None or any(o.ended > self.exchange.started and o.started < seen.ends for o in others):
            return None
        return seen

    @property
    def plain(self) -> bool:
        """Whether nothing in how it was sent lets a correct server refuse it."""
        return plain(self.exchange)

    @property
    def answer(self) -> Sighting | None:
        """The run as the answer shows it: the first time, if it is a stream."""
        return next((seen for seen in self.run.sightings if seen.exchange is self.exchange), None)

    @property
    def later(self) -> tuple[Sighting, ...]:
        """Every look that began when the act was over."""
        return tuple(seen for seen in self.run.sightings if self.exchange.ended <= seen.begins)

    @property
    def end(self) -> Sighting | None:
        """The run's end, as it was first seen."""
        return next((seen for seen in self.run.sightings if seen.status in TERMINAL), None)


def cancellations(history: History) -> Iterator[Act]:
    """Every cancellation of a run that was seen, by its own path and with the usual key, accepted or not."""
    return _acts(history, "cancel_run")


def cancellations_of_any_kind(history: History) -> Iterator[Act]:
    """Every cancellation that names a run that was seen, also by another path or with another key."""
    return (Act(run, exchange) for run in runs(history) for exchange in run.acts("cancel_run"))


def submissions(history: History) -> Iterator[Act]:
    """Every submission of tool outputs to a run that was seen, by its own path and with the usual key."""
    return _acts(history, "submit_tool_outputs")


def _acts(history: History, operation: str) -> Iterator[Act]:
    return (
        Act(run, exchange)
        for run in runs(history)
        for exchange in run.acts(operation)
        if usual(exchange) and is_there(run, exchange)
    )


def is_there(run: RunLine, exchange: Exchange) -> bool:
    """Whether an act names the run's own thread, and that cannot have been deleted by then; else the answer is 404."""
    return exchange.path.get("thread_id") == run.thread_id and not any(
        other.operation == "delete_thread"
        and other.path.get("thread_id") == run.thread_id
        and took_effect(other)
        and other.started < exchange.ended
        for other in run.history
    )
