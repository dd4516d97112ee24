"""The timestamp of a run's end, which belongs to its status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.lifecycle import END_TIMESTAMPS, STATUSES
from runs_conformance.evidence.accepted_invalid import valid_run_observations
from runs_conformance.evidence.member_form import check_constant
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.model.json import ABSENT, json_equal
from runs_conformance.model.rule import FAILING_MODEL, rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Result, Suspicion

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_RUN = "openai-openapi f85dbe2 openapi.yaml RunObject"
_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)

_RUN_END_TIMES = tuple(END_TIMESTAMPS.values())


def _check_end_time_set(run: Observation, status: str) -> Iterator[Result]:
    name = END_TIMESTAMPS[status]
    if run.status == status:
        value = run.get(name)
        if value is not ABSENT:
            yield run.check(value is not None, f"the {status} run has no {name}", f"/{name}", "a time", value)


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=schema(f"{_RUN}.completed_at"),
    capability="core",
    clauses=("completed-run-has-completed-at",),
)
def completed_run_has_completed_at(run: Observation) -> Iterator[Result]:
    """A completed run has a `completed_at`.

    Clients read the time as soon as they see the status.

    Fix: Write `completed_at` together with the status, so that no read shows one without the other.
    """
    yield from _check_end_time_set(run, "completed")


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_GUIDE,
    capability="core",
    clauses=("failed-run-has-failed-at",),
    needs=FAILING_MODEL,
)
def failed_run_has_failed_at(run: Observation) -> Iterator[Result]:
    """A failed run has a `failed_at`.

    The guide refers readers of a failed run to `failed_at` and `last_error`.

    Fix: Write `failed_at` together with the status.
    """
    yield from _check_end_time_set(run, "failed")


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=schema(f"{_RUN}.cancelled_at"),
    capability="cancel",
    clauses=("cancelled-run-has-cancelled-at",),
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
            yield run.check(value is None, f"the {run.status!r} run has a {name}", f"/{name}", None, value)


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.completed_at, failed_at, cancelled_at", note="one published example differs, no traffic does"
    ),
    capability="core",
    clauses=("completed-run-has-completed-at", "cancelled-at-only-once-cancelled"),
)
def unfinished_run_has_no_end(run: Observation) -> Iterator[Result]:
    """A run that is `queued`, `in_progress` or `requires_action` has no `completed_at`, `failed_at` or `cancelled_at`.

    Each of these times says when the event happened, and clients display them unchecked.

    Fix: Keep `completed_at`, `failed_at` and `cancelled_at` null until the transition that each records.
    """
    if run.status in ("queued", "in_progress", "requires_action"):
        yield from _check_end_times_unset(run, _RUN_END_TIMES)
    elif run.status not in STATUSES and any(run.time(name) is not None for name in _RUN_END_TIMES):
        yield Suspicion(f"a run in the unknown status {excerpt(run.status, 40)!r} has the time of an end")


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="cancel",
    clauses=("cancelled-at-only-once-cancelled",),
)
def cancelling_run_has_no_end(run: Observation) -> Iterator[Result]:
    """A run that is `cancelling` has no `cancelled_at`, `completed_at` or `failed_at`.

    The real service set `cancelled_at` when the run reached `cancelled`, in nine of nine recorded cases.

    Fix: Set `cancelled_at` on the transition to `cancelled`, not when the cancellation is requested.
    """
    if run.status == "cancelling":
        yield from _check_end_times_unset(run, _RUN_END_TIMES)


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_GUIDE,
    capability="core",
    clauses=("completed-run-has-completed-at",),
)
def completed_run_has_no_other_end(run: Observation) -> Iterator[Result]:
    """A completed run has null `failed_at` and `cancelled_at`.

    A run ends once, and clients that check `failed_at` first would report a failure.

    Fix: Set `failed_at` and `cancelled_at` only on the transition to their own status, and clear them when the run is
    retried.
    """
    if run.status == "completed":
        yield from _check_end_times_unset(run, ("failed_at", "cancelled_at"))


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("failed-run-has-failed-at", "cancelled-run-has-cancelled-at"),
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
    units=runs,
    level=Level.MUST,
    source=schema(f"{_RUN}, the description of each stamp"),
    capability="core",
    clauses=("terminal-status-is-final", "run-identity-never-changes"),
)
def stamps_of_an_ended_run_stay(run: RunTimeline) -> Iterator[Result]:
    """The times at which an ended run started and ended are the same in every response that shows it.

    A `completed_at` that is the time of the read, or that differs in the list, cannot be the time at which the run
    completed. Other rules judge `expires_at`.

    Fix: Store the timestamps when the run ends, and return the stored values everywhere.
    """
    ended = [each for each in run.ended_observations if each.status == run.ended_observations[0].status]
    for name in ("started_at", *_RUN_END_TIMES):
        yield from check_constant(ended, name, f"`{name}` changed after the run had ended", json_equal)
