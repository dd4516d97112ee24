"""The steps of runs whose tool calls are pending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import complete_lists
from runs_conformance.evidence.observation import STREAM_CHANNEL, Observation, observations_in
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import ToolCall, pending_calls, step_observations_of_run, step_tool_calls
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_blank

_PENDING = frozenset({"requires_action"})


@dataclass(frozen=True, eq=False)
class StepsWhilePending:
    """The steps of a run in one exchange during which the run certainly waited for the outputs of `calls`.

    `page` is the exchange as a complete list of steps, if it is one.
    """

    run: RunTimeline
    calls: tuple[ToolCall, ...]
    steps: tuple[Observation, ...]
    page: Page | None

    @property
    def call_ids(self) -> frozenset[str]:
        """The ids of the pending calls."""
        return frozenset(call.id for call in self.calls)


@lru_cache(maxsize=16)
def steps_while_pending(history: History) -> tuple[StepsWhilePending, ...]:
    """Every read of the steps of a waiting run, and every stream that ended while the run waits."""
    complete = {page.exchange.id: page for page in complete_lists(history)}
    return tuple(steps for run in runs(history) for steps in (*_by_request(run, complete), *_in_streams(run)))


def _by_request(run: RunTimeline, complete: dict[str, Page]) -> Iterator[StepsWhilePending]:
    for exchange in run.exchanges:
        if exchange.operation in ("list_run_steps", "get_run_step") and run.had_status_throughout(exchange, _PENDING):
            observation, page = run.latest_before(exchange), complete.get(exchange.id)
            calls = pending_calls(observation) if observation is not None else None
            if calls and exchange.accepted and _waits_for_the_same(calls, run.earliest_after(exchange)):
                yield StepsWhilePending(run, calls, tuple(observations_in(exchange)), page)


def awaited_calls(run: RunTimeline, observation: Observation) -> tuple[ToolCall, ...] | None:
    """The calls whose outputs a run waits for, from the observation, or else from the run's steps.

    One rule reports a waiting run that shows no list of calls. None if the steps do not show the calls either, or if
    several steps have calls without outputs, so that it is uncertain which are pending.
    """
    shown = pending_calls(observation)
    if shown is not None or observation.status != "requires_action":
        return shown
    for page in complete_lists(run.history):
        exchange = page.exchange
        if exchange.operation != "list_run_steps" or exchange.path.get("run_id") != run.id:
            continue
        before = run.latest_before(exchange)
        if before is None or before.status != "requires_action":
            continue
        first = min(before, observation, key=lambda each: each.earliest)
        last = max(exchange, observation.exchange, key=lambda each: each.started)
        if not run.has_action_between(first, last):
            return _calls_without_output(page.items)
    return None


def _calls_without_output(steps: Sequence[Observation]) -> tuple[ToolCall, ...] | None:
    """The function calls without an output, if all of them are in one step, and none of that step has an output."""
    found = []
    for step in steps:
        calls = [call for call in step_tool_calls(step) if call.type == "function" or call.name]
        waiting = [call for call in calls if is_blank(call.output)]
        if waiting:
            found.append(tuple(calls) if len(waiting) == len(calls) else ())
    return found[0] or None if len(found) == 1 else None


def _waits_for_the_same(calls: Sequence[ToolCall], later: Observation | None) -> bool:
    """Whether a later observation shows no other calls. Otherwise an unrecorded request submitted outputs."""
    shown = (pending_calls(later) if later is not None else None) or ()
    return {call.id for call in shown} <= {call.id for call in calls}


def _in_streams(run: RunTimeline) -> Iterator[StepsWhilePending]:
    last: dict[str, Observation] = {}
    for observation in run.observations:
        if observation.channel == STREAM_CHANNEL:
            last[observation.exchange.id] = observation
    for observation in last.values():
        calls = pending_calls(observation)
        if observation.status == "requires_action" and calls:
            yield StepsWhilePending(run, calls, _steps_in(observation.exchange, run), None)


def _steps_in(exchange: Exchange, run: RunTimeline) -> tuple[Observation, ...]:
    return tuple(step for step in step_observations_of_run(run) if step.exchange is exchange)
