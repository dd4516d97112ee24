"""Runs as lists show them although reads of the run itself prove that they had another state by then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runs_conformance.contract.lifecycle import (
    END_TIMESTAMPS,
    STATUSES,
    TERMINAL,
    reachable,
    reachable_without_outputs,
)
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.timeline import end_of
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at, is_array

_CALLS = "/required_action/submit_tool_outputs/tool_calls"


def outdated_observations(
    observations: Sequence[Observation], actions: Sequence[Exchange] | None
) -> frozenset[Observation]:
    """The observations of a run in lists that contradict the other responses, which agree with each other.

    `actions` are the requests that may have resumed or cancelled the run; None if others may have sent some, too.
    """
    listed = [each for each in observations if each.exchange.operation == "list_runs"]
    others = [each for each in observations if each.exchange.operation != "list_runs"]
    return frozenset(
        each for each in listed if _had_ended_before(each, others) or _is_contradicted(each, others, actions)
    )


def _had_ended_before(listed: Observation, others: Iterable[Observation]) -> bool:
    """Whether a run had ended, by its own times, before another run was created that the same list shows."""
    if listed.status not in STATUSES or listed.status in TERMINAL:
        return False
    ended = [listed, *(each for each in others if each.status in TERMINAL)]
    ends = [time for each in ended for name in END_TIMESTAMPS.values() if (time := each.time(name)) is not None]
    created = [time for each in observations_in(listed.exchange) if (time := each.time("created_at")) is not None]
    return bool(ends) and bool(created) and max(ends) < max(created)


def _is_contradicted(listed: Observation, others: Iterable[Observation], actions: Sequence[Exchange] | None) -> bool:
    """Whether the responses around a list agree with each other, but not with the list.

    If none follows, the list must show a status that the run may have had before.
    """
    before = max((each for each in others if each.latest <= listed.earliest), key=end_of, default=None)
    after = min((each for each in others if listed.latest <= each.earliest), key=end_of, default=None)
    if before is None:
        return False
    may_follow = _may_follow(before, listed, actions)
    if after is None:
        return not may_follow and _may_follow(listed, before, None)
    return _may_follow(before, after, actions) and not (may_follow and _may_follow(listed, after, actions))


def _may_follow(earlier: Observation, later: Observation, actions: Sequence[Exchange] | None) -> bool:
    """Whether a run may have had one state before another."""
    if not {earlier.status, later.status} <= {*STATUSES}:
        return True
    between = {
        each.operation
        for each in actions or ()
        if each is not earlier.exchange and each.ended > earlier.earliest and each.started < later.latest
    }
    if actions is None or "submit_tool_outputs" in between:
        return later.status in reachable(earlier.status)
    if earlier.status == later.status == "requires_action":
        return _call_ids(earlier) in (None, _call_ids(later)) or _call_ids(later) is None
    if earlier.status == "requires_action" and not between and later.status in ("completed", "incomplete"):
        return False  # Only a cancellation that is too late leads there.
    return later.status in reachable_without_outputs(earlier.status)


def _call_ids(run: Observation) -> list[object] | None:
    calls = run.get(_CALLS)
    return [at(call, "/id") for call in calls] if is_array(calls) else None
