"""Timestamps: their form and order, and those that belong to each status of a run."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import ACTIVE, END_TIMESTAMPS, LIFETIME, TERMINAL
from runs_conformance.evidence.creation import Creation, creations
from runs_conformance.evidence.illegal_values import legal_run_observations
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.run_action import may_be_resumed_between, may_have_taken_effect
from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, json_equal
from runs_conformance.model.rule import FAILING_MODEL, rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import Result

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_RUN = "openai-openapi f85dbe2 openapi.yaml RunObject"
_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)
_END_TIMES = ("completed_at", "failed_at", "cancelled_at", "incomplete_at", "expired_at")
_RUN_END_TIMES = tuple(END_TIMESTAMPS.values())
_TIMES = ("created_at", "started_at", "expires_at", *_END_TIMES)
_CLOCK_TOLERANCE = 60.0
"""Largest difference in seconds between the clocks of two machines of one server."""
_EARLIEST, _LATEST = 1_000_000_000, 10_000_000_000


def _objects_with_times(history: History) -> Iterable[Observation]:
    return (observation for observation in all_observations(history) if "created_at" in observation.value)


@rule(
    units=_objects_with_times,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, format unixtime"),
    capability="core",
    requirements=("timestamps-are-ordered-seconds",),
)
def are_unix_seconds(observation: Observation) -> Iterator[Result]:
    """Every timestamp is an integer in seconds since 1970.

    Clients convert it without checking, so milliseconds, ISO dates, fractions and seconds since server start become
    wrong dates. Any integer between the years 2001 and 2286 passes; the target's clock is not compared with the
    suite's.

    Fix: Store timestamps as whole Unix seconds.
    """
    for name in _TIMES:
        value = observation.value.get(name)
        if value is not None:
            yield observation.check(
                is_integer(value) and _EARLIEST <= value < _LATEST,
                f"{name} is {value!r}, which is not a time in seconds since 1970",
                f"/{name}",
                "seconds since 1970",
                value,
            )


@rule(units=_objects_with_times, level=Level.SHOULD, source=_RECORDED, capability="core")
def are_written_as_integers(observation: Observation) -> Iterator[Result]:
    """A timestamp of whole seconds is written without a fraction: `1700000000`, not `1700000000.0`.

    Both are the same number in JSON, but typed clients fail to read the second as an integer.

    Fix: Convert timestamps to integers before serializing them.
    """
    for name in _TIMES:
        value = observation.value.get(name)
        if is_integer(value):
            yield observation.check(
                isinstance(value, int), f"{name} is written as {value!r}", f"/{name}", int(value), value
            )


@rule(
    units=_objects_with_times,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("timestamps-are-ordered-seconds",),
)
def are_in_order(observation: Observation) -> Iterator[Result]:
    """No object starts before it was created or ends before it started.

    Times in the wrong order come from two different clocks, or from a timestamp that was taken too late. Equal times
    pass.

    Fix: Take all timestamps of an object from one clock, at the moment they record.
    """
    created, started = observation.time("created_at"), observation.time("started_at")
    if created is not None and started is not None:
        yield observation.check(created <= started, "it started before it was created", "/started_at", created, started)
    start = created if started is None else started
    for name in _END_TIMES:
        end = observation.time(name)
        if start is not None and end is not None:
            yield observation.check(start <= end, f"{name} is earlier than its start", f"/{name}", start, end)


@dataclass(frozen=True, eq=False)
class PastEvent:
    """A timestamp of an event that had happened when it was observed, and the first creation requested later."""

    observation: Observation
    name: str
    time: float
    later: Creation


def _past_events(history: History) -> Iterator[PastEvent]:
    dated = (creation for creation in creations(history) if creation.created_at is not None)
    later_creations = sorted(dated, key=lambda creation: creation.exchange.started)
    for observation in all_observations(history):
        index = bisect_left(later_creations, observation.exchange.ended, key=lambda creation: creation.exchange.started)
        for name in ("created_at", "started_at", *_END_TIMES) if index < len(later_creations) else ():
            time = observation.time(name)
            if time is not None:
                yield PastEvent(observation, name, time, later_creations[index])


@rule(
    units=_past_events,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("timestamps-are-ordered-seconds",),
)
def what_has_happened_is_not_in_the_future(event: PastEvent) -> Iterator[Result]:
    """A past event is dated at most one minute later than any object created after it.

    Both times are the target's own, so a time that is hours ahead is in another time zone or belongs to a planned
    event.

    Fix: Take each timestamp from the current UTC time when the event happens.
    """
    message, created_later = (
        f"{event.name} is later than created_at of a {event.later.kind} that was created afterwards",
        event.later.created_at,
    )
    holds = created_later is None or event.time <= created_later + _CLOCK_TOLERANCE
    yield event.observation.check(holds, message, f"/{event.name}", created_later, event.time)


def _check_end_time_set(run: Observation, status: str) -> Iterator[Result]:
    name = END_TIMESTAMPS[status]
    if run.status == status:
        yield run.check(run.get(name) is not None, f"a {status} run has no {name}", f"/{name}", "a time", run.get(name))


@rule(
    units=legal_run_observations,
    level=Level.MUST,
    source=schema(f"{_RUN}.completed_at"),
    capability="core",
    requirements=("completed-run-has-completed-at",),
)
def completed_run_has_completed_at(run: Observation) -> Iterator[Result]:
    """A completed run has a `completed_at`.

    Clients read the time as soon as they see the status.

    Fix: Write `completed_at` together with the status, so that no read shows one without the other.
    """
    yield from _check_end_time_set(run, "completed")


@rule(
    units=legal_run_observations,
    level=Level.MUST,
    source=_GUIDE,
    capability="core",
    requirements=("failed-run-has-failed-at",),
    needs=FAILING_MODEL,
)
def failed_run_has_failed_at(run: Observation) -> Iterator[Result]:
    """A failed run has a `failed_at`.

    The guide refers readers of a failed run to `failed_at` and `last_error`.

    Fix: Write `failed_at` together with the status.
    """
    yield from _check_end_time_set(run, "failed")


@rule(
    units=legal_run_observations,
    level=Level.MUST,
    source=schema(f"{_RUN}.cancelled_at"),
    capability="cancel",
    requirements=("cancelled-run-has-cancelled-at",),
)
def cancelled_run_has_cancelled_at(run: Observation) -> Iterator[Result]:
    """A cancelled run has a `cancelled_at`.

    It records when the run reached `cancelled`, not when the cancellation was requested.

    Fix: Write `cancelled_at` together with the status `cancelled`.
    """
    yield from _check_end_time_set(run, "cancelled")


def _check_end_times_unset(run: Observation, names: Iterable[str]) -> Iterator[Result]:
    for name in names:
        value = run.get(name)
        if value is not ABSENT:
            yield run.check(value is None, f"a {run.status!r} run has a {name}", f"/{name}", None, value)


@rule(
    units=legal_run_observations,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.completed_at, failed_at, cancelled_at", note="one published example differs, no traffic does"
    ),
    capability="core",
    requirements=("completed-run-has-completed-at", "cancelled-at-only-once-cancelled"),
)
def unfinished_run_has_no_end(run: Observation) -> Iterator[Result]:
    """A run that is `queued`, `in_progress` or `requires_action` has no `completed_at`, `failed_at` or `cancelled_at`.

    Each of these times says when the event happened, and clients display them unchecked.

    Fix: Keep each of the three null until the transition that it records.
    """
    if run.status in ("queued", "in_progress", "requires_action"):
        yield from _check_end_times_unset(run, _RUN_END_TIMES)


@rule(
    units=legal_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="cancel",
    requirements=("cancelled-at-only-once-cancelled",),
)
def cancelling_run_has_no_end(run: Observation) -> Iterator[Result]:
    """A run that is `cancelling` has no `cancelled_at`, `completed_at` or `failed_at`.

    The real service set `cancelled_at` when the run reached `cancelled`, in nine of nine recorded cases.

    Fix: Set `cancelled_at` on the transition to `cancelled`, not when the cancellation is requested.
    """
    if run.status == "cancelling":
        yield from _check_end_times_unset(run, _RUN_END_TIMES)


@rule(
    units=legal_run_observations,
    level=Level.MUST,
    source=_GUIDE,
    capability="core",
    requirements=("completed-run-has-completed-at",),
)
def completed_run_has_no_other_end(run: Observation) -> Iterator[Result]:
    """A completed run has null `failed_at` and `cancelled_at`.

    A run ends once, and clients that check `failed_at` first would report a failure.

    Fix: Clear the timestamps of a failed attempt when the run is retried.
    """
    if run.status == "completed":
        yield from _check_end_times_unset(run, ("failed_at", "cancelled_at"))


@rule(
    units=legal_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("failed-run-has-failed-at", "cancelled-run-has-cancelled-at"),
)
def ended_run_has_one_end(run: Observation) -> Iterator[Result]:
    """A failed or cancelled run has only the end time of its own status.

    A second end time leaves open how the run ended. No source says what an incomplete or expired run shows, so these
    are not judged.

    Fix: Set only the timestamp that belongs to the final status.
    """
    if run.status in ("failed", "cancelled"):
        yield from _check_end_times_unset(run, (name for name in _RUN_END_TIMES if name != END_TIMESTAMPS[run.status]))


@rule(
    units=legal_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("started-at-set-from-in-progress",),
)
def working_run_has_started_at(run: Observation) -> Iterator[Result]:
    """A run has a `started_at` from `in_progress` on.

    Clients compute the time spent in the queue from it. Runs that were cancelled, failed or expired may never have
    started, so they are not judged.

    Fix: Write `started_at` together with the status `in_progress`.
    """
    if run.status in ("in_progress", "requires_action", "completed", "incomplete"):
        value = run.get("started_at")
        yield run.check(value is not None, f"a {run.status!r} run has no started_at", "/started_at", "a time", value)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("started-at-set-from-in-progress", "started-at-after-submission"),
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
            yield observation.check(value is None, "a newly queued run has a started_at", "/started_at", None, value)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("started-at-after-submission",),
    needs_complete_history=True,
)
def start_moves_only_when_resumed(run: RunTimeline) -> Iterator[Result]:
    """`started_at` does not change unless tool outputs are submitted.

    A start time that differs between reads is computed at read time. The real service set it again when a run was
    resumed, and at no other time.

    Fix: Store `started_at` when the run starts or resumes.
    """
    for earlier, later in run.pairs() if run.creation is not None else ():
        was, now = earlier.get("started_at"), later.get("started_at")
        if earlier.status == "queued":
            continue  # The run was resumed earlier and has not started again.
        if (
            earlier.time("started_at") is not None
            and now is not ABSENT
            and not may_be_resumed_between(run, earlier, later)
        ):
            yield later.check(json_equal(was, now), "started_at has changed", "/started_at", was, now)


@rule(
    units=runs,
    level=Level.MUST,
    source=schema(f"{_RUN}, the description of each stamp"),
    capability="core",
    requirements=("terminal-status-is-final", "run-identity-never-changes"),
)
def stamps_of_an_ended_run_stay(run: RunTimeline) -> Iterator[Result]:
    """The timestamps of an ended run are the same in every answer that shows it.

    A `completed_at` that is the time of the read, or that differs in the list, cannot be the time at which the run
    completed.

    Fix: Store the timestamps when the run ends, and return the stored values everywhere.
    """
    ended = run.ended_observations
    for observation in ended[1:]:
        for name in ("started_at", *_RUN_END_TIMES) if observation.status == ended[0].status else ():
            was, now = ended[0].get(name), observation.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield observation.check(
                    json_equal(was, now), f"{name} has changed since the run ended", f"/{name}", was, now
                )


@rule(
    units=legal_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("active-run-expires-after-ten-minutes",),
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
            else f"it expires {expires - created:.0f} s after created_at",
            "/expires_at",
            created + LIFETIME,
            run.get("expires_at"),
        )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("active-run-expires-after-ten-minutes",),
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
            yield observation.check(json_equal(was, now), "expires_at has changed", "/expires_at", was, now)


@rule(
    units=legal_run_observations,
    level=Level.MAY,
    source=_RECORDED,
    capability="core",
    requirements=("expires-at-null-after-end",),
)
def ended_run_has_no_expiry(run: Observation) -> Iterator[Result]:
    """An ended run has `expires_at: null`.

    All 45 recorded cases showed null. Keeping the time is legal, so this is informational.

    Fix: Clear `expires_at` when the run ends.
    """
    if run.status in TERMINAL and run.get("expires_at") is not ABSENT:
        value = run.get("expires_at")
        yield run.check(value is None, f"a {run.status!r} run has an expires_at", "/expires_at", None, value)
