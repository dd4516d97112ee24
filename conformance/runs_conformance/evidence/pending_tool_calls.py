"""Runs that wait for tool outputs, and what their steps showed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import whole_lists
from runs_conformance.evidence.observation import STREAM_CHANNEL, Sighting, sightings_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.evidence.tool_call import Call, calls_of, steps_of
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_WAITING = frozenset({"requires_action"})


@dataclass(frozen=True, eq=False)
class Waiting:
    """The steps of a run as one exchange showed them while the run certainly waited for the outputs of `calls`.

    `page` is the exchange's whole list of steps, if it is one.
    """

    run: RunLine
    calls: tuple[Call, ...]
    steps: tuple[Sighting, ...]
    page: Page | None

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the calls."""
        return frozenset(call.id for call in self.calls)


@lru_cache(maxsize=16)
def waits(history: History) -> tuple[Waiting, ...]:
    """Every look at the steps of a run while it waited, by a request or in the stream that ended so."""
    whole = {page.exchange.id: page for page in whole_lists(history)}
    return tuple(waiting for run in runs(history) for waiting in (*_by_request(run, whole), *_in_streams(run)))


def _by_request(run: RunLine, whole: dict[str, Page]) -> Iterator[Waiting]:
    for exchange in run.exchanges:
        if exchange.operation in ("list_run_steps", "get_run_step") and run.surely(exchange, _WAITING):
            seen, page = run.before(exchange), whole.get(exchange.id)
            calls = calls_of(seen) if seen is not None else None
            if calls and exchange.accepted:
                yield Waiting(run, calls, tuple(sightings_in(exchange)), page)


def _in_streams(run: RunLine) -> Iterator[Waiting]:
    last: dict[str, Sighting] = {}
    for seen in run.sightings:
        if seen.channel == STREAM_CHANNEL:
            last[seen.exchange.id] = seen
    for seen in last.values():
        calls = calls_of(seen)
        if seen.status == "requires_action" and calls:
            yield Waiting(run, calls, _steps_in(seen.exchange, run), None)


def _steps_in(exchange: Exchange, run: RunLine) -> tuple[Sighting, ...]:
    return tuple(step for step in steps_of(run) if step.exchange is exchange)
