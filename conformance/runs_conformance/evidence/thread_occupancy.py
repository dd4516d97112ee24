"""The periods in which a thread may have had an active run, which refuses other requests whatever their body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.observation import Observation, observations_in, run_observations
from runs_conformance.evidence.timeline import end_of
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History

_LOCKED = ("create_run", "create_message")
"""The operations that a thread with an active run refuses, whatever their body."""


@dataclass(frozen=True, slots=True, eq=False)
class _Period:
    """The time from the creation of a run to the first observed end of the run; infinite if no end was observed.

    In each of the `spans`, the run certainly stayed active in one status.
    """

    creation: Exchange
    ended: float
    spans: tuple[tuple[float, float], ...]

    def covers(self, exchange: Exchange) -> bool:
        """Whether the run may have been active during an exchange."""
        return (
            self.creation is not exchange and self.creation.started < exchange.ended and self.ended > exchange.started
        )


@dataclass(frozen=True, eq=False)
class ThreadOccupancy:
    """The periods of the runs of each thread, and its accepted requests that a lock would refuse."""

    periods: dict[str, list[_Period]]
    accepted: dict[tuple[str, str | None], list[Exchange]]

    def is_idle(self, exchange: Exchange) -> bool:
        """Whether certainly no active run was a reason to refuse an exchange; true for operations that ignore the lock.

        The thread had no active run, or it accepted the same operation while the run had the status that it had at the
        exchange.
        """
        if exchange.operation not in _LOCKED:
            return True
        return all(self._admits(period, exchange) for period in self._periods_of(exchange) if period.covers(exchange))

    def had_run_before(self, exchange: Exchange) -> bool:
        """Whether a run may have been created on the thread of an exchange before it."""
        return any(
            period.creation is not exchange and period.creation.started < exchange.ended
            for period in self._periods_of(exchange)
        )

    def _periods_of(self, exchange: Exchange) -> list[_Period]:
        return self.periods.get(_thread_of(exchange), [])

    def _admits(self, period: _Period, exchange: Exchange) -> bool:
        """Whether the run of a period certainly does not lock the thread against the operation of an exchange."""
        accepted = self.accepted.get((_thread_of(exchange), exchange.operation), ())
        return any(
            start <= exchange.started
            and exchange.ended <= end
            and any(start <= other.started and other.ended <= end for other in accepted)
            for start, end in period.spans
        )


@lru_cache(maxsize=16)
def thread_occupancy(history: History) -> ThreadOccupancy:
    """The occupancy of every thread in a history."""
    ended: dict[str, float] = {}
    observed: dict[str, list[Observation]] = {}
    for observation in run_observations(history):
        observed.setdefault(observation.id, []).append(observation)
        if observation.status in TERMINAL:
            ended[observation.id] = min(observation.latest, ended.get(observation.id, observation.latest))
    spans = {id_: tuple(_spans_in_one_status(each)) for id_, each in observed.items() if id_}
    periods: dict[str, list[_Period]] = {}
    accepted: dict[tuple[str, str | None], list[Exchange]] = {}
    for exchange in history.select(*_LOCKED):
        if exchange.accepted:
            accepted.setdefault((_thread_of(exchange), exchange.operation), []).append(exchange)
        if exchange.operation == "create_run" and (exchange.accepted or exchange.completion is Completion.UNKNOWN):
            run = next((each.id for each in observations_in(exchange) if each.kind == "run"), "")
            period = _Period(exchange, ended.get(run, float("inf")), spans.get(run, ()))
            periods.setdefault(_thread_of(exchange), []).append(period)
    return ThreadOccupancy(periods, accepted)


def _thread_of(exchange: Exchange) -> str:
    return exchange.path.get("thread_id", "")


def _spans_in_one_status(observations: list[Observation]) -> Iterator[tuple[float, float]]:
    """The times between which observations of a run in a row show one status, an active one."""
    ordered = sorted(observations, key=end_of)
    for status, those in groupby(ordered, key=lambda observation: observation.status):
        in_status = list(those)
        start, end = in_status[0].latest, max(observation.earliest for observation in in_status)
        if status in ACTIVE and start < end:
            yield start, end
