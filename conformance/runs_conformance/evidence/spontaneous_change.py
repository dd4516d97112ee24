"""Objects that were lost or have changed, and runs that stopped waiting, although no request asked for it."""

from __future__ import annotations

from itertools import pairwise

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import names_wrong_thread, uses_key_of_creator
from runs_conformance.evidence.member_form import Comparison
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, observations
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.evidence.run_timeline import RunTimeline, find_run, runs
from runs_conformance.evidence.timeline import Timeline, end_of, timelines
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, Absent

_EFFECTS = {
    "cancel_run": ("cancelling", "cancelled"),
    "submit_tool_outputs": ("queued", "in_progress", "completed"),
}
"""The statuses to which each operation changes a run that waits for outputs."""

CHANGES_ANYWAY = "`{}` also changes without a modification"
"""Why a rule on the effect of a modification is inconclusive."""


def happens_without_request(history: History, attempt: Exchange) -> bool:
    """Whether the effect of a refused request was observed on another object, too, which no request named.

    Then the target loses such objects, or resumes such runs, by itself.
    """
    operation = attempt.operation or ""
    if operation in _EFFECTS:
        return _resumes_runs(history, _EFFECTS[operation], attempt.path.get("run_id", ""))
    kind = operation.removeprefix("delete_")
    return kind != operation and _loses_objects(history, kind, attempt.path.get(f"{kind}_id", ""))


def is_deletion_of_path(deletion: Exchange, exchange: Exchange) -> bool:
    """Whether a deletion is of an object in the path of an exchange, such as its thread."""
    operation = OPERATIONS[deletion.operation] if deletion.operation else None
    return (
        operation is not None
        and operation.method == "DELETE"
        and deletion.path.get(operation.parameters[-1]) in exchange.path.values()
    )


def _loses_objects(history: History, kind: str, besides: str) -> bool:
    """Whether another object of a kind was lost that no request tried to delete, whether refused or not."""
    return any(
        read.status == 404
        and read.path.get(f"{kind}_id") != besides
        and _existed_before(history, kind, read)
        and not any(is_deletion_of_path(other, read) and other.started < read.ended for other in history)
        for read in history.select(f"get_{kind}")
    )


def _existed_before(history: History, kind: str, read: Exchange) -> bool:
    """Whether the object that a read names was shown before to the client that sends the read."""
    is_plain = read.dangling is None and not names_wrong_thread(history, read) and uses_key_of_creator(history, read)
    if not is_plain or not (uses_default_auth(read) or (read.step is not None and read.step.key is Key.SECOND)):
        return False
    return any(
        each.id == read.path.get(f"{kind}_id")
        and each.exchange.path.get("thread_id", read.path.get("thread_id")) == read.path.get("thread_id")
        and each.exchange.happened_before(read)
        for each in observations(kind, history)
    )


def _resumes_runs(history: History, statuses: tuple[str, ...], besides: str) -> bool:
    """Whether another run that waited for outputs changed to one of these statuses although no request asked for it."""
    return any(
        earlier.status == "requires_action" and later.status in statuses and not _was_asked(run, later.latest)
        for run in runs(history)
        if run.id != besides
        for earlier, later in run.pairs()
    )


def _was_asked(run: RunTimeline, until: float) -> bool:
    """Whether a request to cancel or resume a run, or to delete its thread, began before a moment, refused or not."""
    return any(
        (other.operation in _EFFECTS and other.path.get("run_id") == run.id)
        or (other.operation == "delete_thread" and other.path.get("thread_id") == run.thread_id)
        for other in run.history
        if other.started < until
    )


def changes_by_itself(timeline: Timeline, name: str, are_equal: Comparison) -> bool:
    """Whether a member of an object, or of another of its kind, has changed although no request can have modified it.

    Responses to modifications do not count, since they may show what was not stored.
    """
    return any(_has_changed(other, name, are_equal) for other in timelines(timeline.kind, timeline.history))


def _has_changed(timeline: Timeline, name: str, are_equal: Comparison) -> bool:
    shown = sorted((each for each in timeline.observations if _is_settled(each, timeline.history)), key=end_of)
    for earlier, later in pairwise(shown):
        was, now = earlier.get(name), later.get(name)
        if isinstance(was, Absent) or isinstance(now, Absent) or are_equal(was, now):
            continue
        if earlier.happened_before(later) and not _was_requested(timeline, earlier, later):
            return True
    return False


def _is_settled(observation: Observation, history: History) -> bool:
    """Whether the object of an observation does not change by itself any more, as a run does until it ends."""
    if observation.channel != JSON_CHANNEL or (observation.exchange.operation or "").startswith("modify_"):
        return False
    if observation.kind == "run":
        return observation.status in TERMINAL
    run_id = observation.get("run_id") if observation.kind == "message" else None
    run = find_run(history, run_id) if isinstance(run_id, str) else None
    return run_id in (None, ABSENT) or (run is not None and run.had_ended_before(observation.exchange))


def _was_requested(timeline: Timeline, earlier: Observation, later: Observation) -> bool:
    """Whether a request that names the object, and is no read, was under way between two observations."""
    return any(
        other.request.method != "GET"
        and timeline.id in other.path.values()
        and other is not earlier.exchange
        and other.ended > earlier.earliest
        and other.started < later.latest
        for other in timeline.history
    )
