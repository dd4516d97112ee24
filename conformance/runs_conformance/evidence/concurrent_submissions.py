"""Overlapping submissions of outputs for the same tool calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs_conformance.evidence.complete_list import complete_lists
from runs_conformance.evidence.concurrent_requests import ConcurrentRequests, concurrent_requests
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import all_runs
from runs_conformance.evidence.tool_call import pending_calls, step_tool_calls
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at, is_array


def concurrent_submissions(history: History) -> Iterator[ConcurrentRequests]:
    """Every group of overlapping submissions for the same calls."""
    for each in concurrent_requests(history):
        if each.operation == "submit_tool_outputs" and len({_call_ids(exchange) for exchange in each.exchanges}) == 1:
            yield each


def submit_for_all_calls(submissions: ConcurrentRequests, waiting: Observation) -> bool:
    """Whether the submissions have an output for every call that the waiting run is known to await."""
    calls = pending_calls(waiting) or ()
    return {call.id for call in calls} <= _call_ids(submissions.exchanges[0])


def may_be_for_different_rounds(submissions: ConcurrentRequests) -> bool:
    """Whether the accepted ones may be for several rounds of calls, because the server reuses the ids of calls.

    Each submission needs a call of its own, so they are not if the steps of the run show fewer calls with these ids.
    """
    call_ids = _call_ids(submissions.exchanges[0])
    accepted = [
        exchange
        for exchange in submissions.history.select("submit_tool_outputs")
        if exchange.accepted
        and exchange.path.get("run_id") == submissions.id
        and not call_ids.isdisjoint(_call_ids(exchange))
    ]
    shown = _calls_in_steps(submissions, call_ids)
    return _are_reused(call_ids, submissions, accepted) and (not shown or shown >= len(accepted))


def _are_reused(call_ids: frozenset[str], submissions: ConcurrentRequests, accepted: list[Exchange]) -> bool:
    """Whether another run waited for a call with one of these ids, or this one did after outputs were accepted."""
    resumed = min((exchange.ended for exchange in accepted), default=submissions.ended)
    return any(
        call.id in call_ids
        for run in all_runs(submissions.history)
        for observation in run.observations
        if observation.status == "requires_action"
        and (run.id != submissions.id or observation.exchange in accepted or observation.earliest >= resumed)
        for call in pending_calls(observation) or ()
    )


def _calls_in_steps(submissions: ConcurrentRequests, call_ids: frozenset[str]) -> int:
    """How many calls with the same one of these ids the steps show after the submissions; 0 if they show none."""
    for page in reversed(complete_lists(submissions.history)):
        exchange = page.exchange
        is_of_run = exchange.operation == "list_run_steps" and exchange.path.get("run_id") == submissions.id
        if is_of_run and exchange.started >= submissions.ended:
            shown = Counter(call.id for step in page.items for call in step_tool_calls(step) if call.id in call_ids)
            return max(shown.values(), default=0)
    return 0


def _call_ids(exchange: Exchange) -> frozenset[str]:
    outputs = at(exchange.request.body, "/tool_outputs")
    return frozenset(str(at(output, "/tool_call_id")) for output in (outputs if is_array(outputs) else ()))
