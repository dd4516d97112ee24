"""Objects that were lost, and runs that stopped waiting, although no request asked for it."""

from __future__ import annotations

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import names_wrong_thread, uses_key_of_creator
from runs_conformance.evidence.observation import observations
from runs_conformance.evidence.request_expectation import uses_default_auth
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_EFFECTS = {
    "cancel_run": ("cancelling", "cancelled"),
    "submit_tool_outputs": ("queued", "in_progress", "completed"),
}
"""The statuses to which each operation changes a run that waits for outputs."""


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
