"""The periods in which a thread may have had an active run, which refuses other requests whatever their body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.observation import observations_in, run_observations
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_LOCKED = ("create_run", "create_message")
"""The operations that a thread with an active run refuses, whatever their body."""


@dataclass(frozen=True, eq=False)
class ThreadOccupancy:
    """By thread, each creation of a run with the time of the first observed end of the run."""

    periods: dict[str, list[tuple[Exchange, float]]]

    def is_idle(self, exchange: Exchange) -> bool:
        """Whether the thread of an exchange certainly had no active run; true for operations that ignore the lock."""
        if exchange.operation not in _LOCKED:
            return True
        return not any(
            creation is not exchange and creation.started < exchange.ended and ended > exchange.started
            for creation, ended in self.periods.get(exchange.path.get("thread_id", ""), ())
        )

    def had_run_before(self, exchange: Exchange) -> bool:
        """Whether a run may have been created on the thread of an exchange before it."""
        periods = self.periods.get(exchange.path.get("thread_id", ""), ())
        return any(creation is not exchange and creation.started < exchange.ended for creation, _ in periods)


@lru_cache(maxsize=16)
def thread_occupancy(history: History) -> ThreadOccupancy:
    """The occupancy of every thread in a history."""
    ended: dict[str, float] = {}
    for observation in run_observations(history):
        if observation.status in TERMINAL:
            ended[observation.id] = min(observation.latest, ended.get(observation.id, observation.latest))
    periods: dict[str, list[tuple[Exchange, float]]] = {}
    for exchange in history:
        if exchange.operation == "create_run" and (exchange.accepted or exchange.completion is Completion.UNKNOWN):
            run = next((each.id for each in observations_in(exchange) if each.kind == "run"), "")
            spans = periods.setdefault(exchange.path.get("thread_id", ""), [])
            spans.append((exchange, ended.get(run, float("inf"))))
    return ThreadOccupancy(periods)
