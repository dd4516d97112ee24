"""The lock of a thread: which run holds it, and which refusals say so."""

from __future__ import annotations

import re

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_action import actions_between, may_be_cancelled_between
from runs_conformance.evidence.run_timeline import RunTimeline, runs_of_thread
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

WORKING = frozenset({"in_progress", "requires_action"})

_LOCKED_STATUSES = (409, 423)

_SAYS_LOCKED = re.compile(
    r"\b(active|already (?:has|running)|another run|busy|in progress|in_progress|locked|requires_action)\b|"
    r"\b(?:while|until) (?:a|the|its|another) run\b",
    re.IGNORECASE,
)


def says_locked(exchange: Exchange) -> bool:
    """Whether the response to a refused message or run says that an active run is the reason."""
    if exchange.operation not in ("create_message", "create_run", "create_thread_and_run"):
        return False
    return exchange.status in _LOCKED_STATUSES or _SAYS_LOCKED.search(refusal_text(exchange)) is not None


def lock_holder(history: History, exchange: Exchange) -> RunTimeline | None:
    """A run of the exchange's thread, not created by the exchange, that was certainly active throughout it.

    A run that is active again after its end may have been ended meanwhile. It does not matter whether it is reopened
    later, by a list that lags behind for example.
    """
    thread = exchange.path.get("thread_id", "")
    for run in runs_of_thread(history, thread) if thread else ():
        if run.creation is exchange or not run.was_active_throughout(exchange):
            continue
        after = run.earliest_after(exchange)
        if after is not None and not run.reopened_after_end(after):
            return run
    return None


def was_working_throughout(run: RunTimeline, exchange: Exchange) -> bool:
    """Whether a run was certainly `in_progress` or `requires_action` throughout an exchange."""
    before, after = run.latest_before(exchange), run.earliest_after(exchange)
    if before is None or after is None or before.status not in WORKING or _may_be_queued_between(run, before, after):
        return False
    if after.status == "cancelling":
        # Only a cancellation leads there. Until it was requested, the run worked.
        cancellations = actions_between(run, "cancel_run", before, after)
        return not any(each.started < exchange.ended for each in cancellations)
    return after.status in WORKING and not may_be_cancelled_between(run, before, after)


def _may_be_queued_between(run: RunTimeline, before: Observation, after: Observation) -> bool:
    """Whether a run may have been queued again after it received outputs.

    If the response to the outputs shows it `in_progress`, these outputs cannot queue it any more.
    """
    submissions = actions_between(run, "submit_tool_outputs", before, after)
    return any(each is not before.exchange or before.status != "in_progress" for each in submissions)
