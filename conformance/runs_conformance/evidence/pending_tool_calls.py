"""Runs that wait for tool outputs, and what their steps showed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import complete_lists
from runs_conformance.evidence.observation import STREAM_CHANNEL, Observation, observations_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import ToolCall, pending_calls, step_observations_of_run
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_PENDING = frozenset({"requires_action"})


@dataclass(frozen=True, eq=False)
class StepsWhilePending:
    """The steps of a run as one exchange showed them while the run certainly waited for the outputs of `calls`.

    `page` is the exchange's whole list of steps, if it is one.
    """

    run: RunTimeline
    calls: tuple[ToolCall, ...]
    steps: tuple[Observation, ...]
    page: Page | None

    @property
    def call_ids(self) -> frozenset[str]:
        """The ids of the calls."""
        return frozenset(call.id for call in self.calls)


@lru_cache(maxsize=16)
def steps_while_pending(history: History) -> tuple[StepsWhilePending, ...]:
    """Every look at the steps of a run while it waited, by a request or in the stream that ended so."""
    whole = {page.exchange.id: page for page in complete_lists(history)}
    return tuple(waiting for run in runs(history) for waiting in (*_by_request(run, whole), *_in_streams(run)))


def _by_request(run: RunTimeline, whole: dict[str, Page]) -> Iterator[StepsWhilePending]:
    for exchange in run.exchanges:
        if exchange.operation in ("list_run_steps", "get_run_step") and run.had_status_throughout(exchange, _PENDING):
            seen, page = run.latest_before(exchange), whole.get(exchange.id)
            calls = pending_calls(seen) if seen is not None else None
            if calls and exchange.accepted:
                yield StepsWhilePending(run, calls, tuple(observations_in(exchange)), page)


def _in_streams(run: RunTimeline) -> Iterator[StepsWhilePending]:
    last: dict[str, Observation] = {}
    for seen in run.observations:
        if seen.channel == STREAM_CHANNEL:
            last[seen.exchange.id] = seen
    for seen in last.values():
        calls = pending_calls(seen)
        if seen.status == "requires_action" and calls:
            yield StepsWhilePending(run, calls, _steps_in(seen.exchange, run), None)


def _steps_in(exchange: Exchange, run: RunTimeline) -> tuple[Observation, ...]:
    return tuple(step for step in step_observations_of_run(run) if step.exchange is exchange)
