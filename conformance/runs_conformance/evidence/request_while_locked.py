"""Requests on a thread that an active run locks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.thread_lock import lock_holder
from runs_conformance.evidence.thread_write import ThreadWrite
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object


def refused_without_lock(history: History, exchange: Exchange) -> bool:
    """Whether an equal request was refused on a thread whose runs, if it had any, had certainly ended.

    Requests are equal if they differ only in the objects that they are for and in the values in their bodies.
    """
    return any(
        other.refused
        and _form(other) == _form(exchange)
        and must_be_accepted(other)
        and ThreadWrite(other, history).is_free
        for other in history.select(exchange.operation or "")
    )


def _form(exchange: Exchange) -> tuple[object, ...]:
    body = exchange.request.body
    return (sorted(exchange.request.query), sorted(body) if is_object(body) else body)


@dataclass(frozen=True, eq=False)
class RequestWhileLocked:
    """One request on a thread whose run was certainly active throughout the request."""

    exchange: Exchange
    run: RunTimeline
    history: History

    @property
    def is_refused_without_lock(self) -> bool:
        """Whether an equal request was refused on a thread without an active run, too."""
        return refused_without_lock(self.history, self.exchange)


@lru_cache(maxsize=16)
def requests_while_locked(history: History) -> Iterable[RequestWhileLocked]:
    """Every request on a thread that was certainly locked by an active run."""
    if not any(observation.status in ACTIVE for run in runs(history) for observation in run.observations):
        return ()
    return tuple(
        RequestWhileLocked(exchange, run, history)
        for exchange in history
        if (run := lock_holder(history, exchange)) is not None
    )
