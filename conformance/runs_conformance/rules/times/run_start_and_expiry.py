"""`started_at` and `expires_at` of a run."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, LIFETIME, TERMINAL
from runs_conformance.evidence.accepted_invalid import valid_run_observations
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_action import may_be_resumed_between
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.model.json import ABSENT, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import Result

_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("started-at-set-from-in-progress",),
)
def working_run_has_started_at(run: Observation) -> Iterator[Result]:
    """A run has a `started_at` from `in_progress` on.

    Clients compute the time spent in the queue from it. Runs that were cancelled, failed or expired may never have
    started, so they are not judged.

    Fix: Write `started_at` together with the status `in_progress`.
    """
    if run.status in ("in_progress", "requires_action", "completed", "incomplete"):
        value = run.get("started_at")
        if value is not ABSENT:
            yield run.check(
                value is not None, f"the {run.status!r} run has no started_at", "/started_at", "a time", value
            )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("started-at-set-from-in-progress", "started-at-after-submission"),
    needs_complete_history=True,
)
def queued_run_has_not_started(run: RunTimeline) -> Iterator[Result]:
    """A newly queued run has `started_at: null`.

    A start time on a queued run counts time in the queue as work. A run that is queued again after its tool outputs
    were submitted may keep its first start time, as the real service did.

    Fix: Set `started_at` on the transition to `in_progress`, not at creation.
    """
    if run.creation is None:
        return
    for observation in run.observations:
        resumed = any(
            may_have_taken_effect(submission) and submission.started <= observation.latest
            for submission in run.actions("submit_tool_outputs")
        )
        if observation.status == "queued" and not resumed:
            value = observation.get("started_at")
            if value is ABSENT:
                continue
            yield observation.check(value is None, "a newly queued run has a started_at", "/started_at", None, value)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("started-at-after-submission",),
    needs_complete_history=True,
)
def start_moves_only_when_resumed(run: RunTimeline) -> Iterator[Result]:
    """`started_at` does not change unless tool outputs are submitted.

    A start time that differs between reads is computed at read time. The real service set it again when a run was
    resumed, and at no other time.

    Fix: Store `started_at` when the run starts or resumes.
    """
    for earlier, later in run.up_to_date.pairs() if run.creation is not None else ():
        was, now = earlier.get("started_at"), later.get("started_at")
        if earlier.status == "queued":
            continue  # The run was resumed earlier and has not started again.
        if run.reopened_after_end(later):
            continue  # What a run that does not stay ended shows follows from that.
        if (
            earlier.time("started_at") is not None
            and now is not ABSENT
            and not may_be_resumed_between(run, earlier, later)
        ):
            yield later.check(json_equal(was, now), "`started_at` of the run changed", "/started_at", was, now)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("active-run-expires-after-ten-minutes",),
)
def unfinished_run_expires_ten_minutes_after_creation(run: Observation) -> Iterator[Result]:
    """A run that has not ended has an `expires_at` ten minutes after its `created_at`.

    Clients plan their tool calls by it. The guide says roughly ten minutes; 188 of 188 recorded runs had 600 seconds. A
    difference of up to five seconds passes.

    Fix: Set `expires_at` to `created_at` plus 600 seconds when the run is created.
    """
    created, expires = run.time("created_at"), run.time("expires_at")
    if run.status in ACTIVE and created is not None and run.get("expires_at") is not ABSENT:
        yield run.check(
            expires is not None and abs(expires - created - LIFETIME) <= 5,
            "the run has no expires_at"
            if expires is None
            else f"the run expires {expires - created:.0f} s after created_at",
            "/expires_at",
            int(created) + LIFETIME,
            run.get("expires_at"),
        )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("active-run-expires-after-ten-minutes",),
)
def expiry_never_moves(run: RunTimeline) -> Iterator[Result]:
    """A run's `expires_at` never changes to another time.

    Clients rely on the first value they see; neither a read nor a submission of tool outputs moves it. It may become
    null when the run ends.

    Fix: Compute `expires_at` once, when the run is created.
    """
    first = next((observation for observation in run.observations if observation.time("expires_at") is not None), None)
    for observation in run.observations:
        if first is not None and observation is not first and observation.time("expires_at") is not None:
            was, now = first.get("expires_at"), observation.get("expires_at")
            yield observation.check(json_equal(was, now), "`expires_at` of the run changed", "/expires_at", was, now)


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("expires-at-null-after-end",),
)
def ended_run_has_no_expiry(run: Observation) -> Iterator[Result]:
    """An ended run has `expires_at: null`.

    Clients that wait until `expires_at` would wait for a run that has ended. Every recorded run that had ended showed
    null: completed, cancelled, incomplete and expired ones.

    Fix: Clear `expires_at` when the run ends.
    """
    if run.status in TERMINAL and run.get("expires_at") is not ABSENT:
        value = run.get("expires_at")
        yield run.check(value is None, f"the {run.status!r} run has an expires_at", "/expires_at", None, value)
