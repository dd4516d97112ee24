"""The times that objects carry, and how a run's times go with its status."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import ACTIVE, END_STAMPS, LIFETIME, TERMINAL
from runs_conformance.evidence.creation import Creation, creations
from runs_conformance.evidence.observation import Sighting, all_sightings
from runs_conformance.evidence.run_action import resumed_between, took_effect
from runs_conformance.evidence.timeline import RunLine, credible_runs, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_integer, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import Result

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_RUN = "openai-openapi f85dbe2 openapi.yaml RunObject"
_SEEN = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)
_ENDS = ("completed_at", "failed_at", "cancelled_at", "incomplete_at", "expired_at")
_RUN_ENDS = tuple(END_STAMPS.values())
_SPARE = 60.0
"""Seconds by which the clocks of two machines of one server may differ."""
_EARLIEST, _LATEST = 1_000_000_000, 10_000_000_000


def _timed(history: History) -> Iterable[Sighting]:
    return (sighting for sighting in all_sightings(history) if "created_at" in sighting.value)


@rule(
    over=_timed,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, format unixtime"),
    capability="core",
    items=("L-21",),
)
def are_unix_seconds(seen: Sighting) -> Iterator[Result]:
    """Every time is a whole number of seconds since 1970.

    Milliseconds, ISO dates, fractions and seconds since the server started are found here: whatever is no integer
    that falls between the years 2001 and 2286. The target's clock is not compared with ours.
    """
    for name in ("created_at", "started_at", "expires_at", *_ENDS):
        value = seen.value.get(name)
        if value is not None:
            yield seen.check(
                is_integer(value) and _EARLIEST <= value < _LATEST,
                f"{name} is {value!r}, which is no time in seconds since 1970",
                f"/{name}",
                "seconds since 1970",
                value,
            )


@rule(over=_timed, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-21",))
def are_in_order(seen: Sighting) -> Iterator[Result]:
    """Nothing starts before it was created, and nothing ends before it started.

    Equal times are common and fine. A smaller one shows two clocks at work, or a stamp that was taken too late.
    """
    created, started = seen.time("created_at"), seen.time("started_at")
    if created is not None and started is not None:
        yield seen.check(created <= started, "it started before it was created", "/started_at", created, started)
    begun = created if started is None else started
    for name in _ENDS:
        end = seen.time(name)
        if begun is not None and end is not None:
            yield seen.check(begun <= end, f"{name} is before it began", f"/{name}", begun, end)


@dataclass(frozen=True, eq=False)
class Mark:
    """A time that the target gave for what had happened when it was seen, and the first creation asked for later."""

    seen: Sighting
    name: str
    time: float
    later: Creation


def _marks(history: History) -> Iterator[Mark]:
    dated = (creation for creation in creations(history) if creation.created_at is not None)
    made = sorted(dated, key=lambda creation: creation.exchange.started)
    for seen in all_sightings(history):
        place = bisect_left(made, seen.exchange.ended, key=lambda creation: creation.exchange.started)
        for name in ("created_at", "started_at", *_ENDS) if place < len(made) else ():
            time = seen.time(name)
            if time is not None:
                yield Mark(seen, name, time, made[place])


@rule(over=_marks, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-21",))
def what_has_happened_is_not_in_the_future(mark: Mark) -> Iterator[Result]:
    """What has happened is dated no later than what was created after it, by a minute at most.

    Both times are the target's own. A time that is hours ahead is one of another zone, or of what is yet to come.
    """
    message, born = f"{mark.name} is later than that of a {mark.later.kind} created afterwards", mark.later.created_at
    holds = born is None or mark.time <= born + _SPARE
    yield mark.seen.check(holds, message, f"/{mark.name}", born, mark.time)


def _stamped(run: Sighting, status: str) -> Iterator[Result]:
    name = END_STAMPS[status]
    if run.status == status:
        yield run.check(run.get(name) is not None, f"a {status} run has no {name}", f"/{name}", "a time", run.get(name))


@rule(over=credible_runs, level=Level.MUST, source=schema(f"{_RUN}.completed_at"), capability="core", items=("L-11",))
def completed_run_has_completed_at(run: Sighting) -> Iterator[Result]:
    """A completed run says when it was completed.

    `completed_at` is written together with the status, so that no look finds the one without the other.
    """
    yield from _stamped(run, "completed")


@rule(
    over=credible_runs,
    level=Level.MUST,
    source=_GUIDE,
    capability="core",
    items=("L-08",),
    needs="a model whose runs end failed",
)
def failed_run_has_failed_at(run: Sighting) -> Iterator[Result]:
    """A failed run says when it failed.

    The guide sends readers of a failed run to `failed_at` and `last_error`.
    """
    yield from _stamped(run, "failed")


@rule(over=credible_runs, level=Level.MUST, source=schema(f"{_RUN}.cancelled_at"), capability="cancel", items=("L-12",))
def cancelled_run_has_cancelled_at(run: Sighting) -> Iterator[Result]:
    """A cancelled run says when it was cancelled.

    `cancelled_at` is written when the run reaches `cancelled`, not when cancelling was asked for.
    """
    yield from _stamped(run, "cancelled")


def _unstamped(run: Sighting, names: Iterable[str]) -> Iterator[Result]:
    for name in names:
        value = run.get(name)
        if value is not ABSENT:
            yield run.check(value is None, f"a {run.status!r} run has a {name}", f"/{name}", None, value)


@rule(
    over=credible_runs,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.completed_at, failed_at, cancelled_at", note="one published example differs, no traffic does"
    ),
    capability="core",
    items=("L-11", "L-13"),
)
def unfinished_run_has_no_end(run: Sighting) -> Iterator[Result]:
    """A run that is queued, in progress or waits for tool outputs was not completed, failed or cancelled at any time.

    Each of these stamps tells when that happened, so until it has, they are null. Clients show them as they are.
    """
    if run.status in ("queued", "in_progress", "requires_action"):
        yield from _unstamped(run, _RUN_ENDS)


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="cancel", items=("L-13",))
def cancelling_run_has_no_end(run: Sighting) -> Iterator[Result]:
    """A run that is being cancelled has no `cancelled_at` yet, nor another end.

    The real service set the stamp when the run reached `cancelled`, in nine of nine recorded cases.
    """
    if run.status == "cancelling":
        yield from _unstamped(run, _RUN_ENDS)


@rule(over=credible_runs, level=Level.MUST, source=_GUIDE, capability="core", items=("L-11",))
def completed_run_has_no_other_end(run: Sighting) -> Iterator[Result]:
    """A completed run neither failed nor was cancelled: `failed_at` and `cancelled_at` are null.

    A run ends once. Clear the stamp of an attempt that was repeated.
    """
    if run.status == "completed":
        yield from _unstamped(run, ("failed_at", "cancelled_at"))


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-08", "L-12"))
def ended_run_has_one_end(run: Sighting) -> Iterator[Result]:
    """A failed or cancelled run has the stamp of that end only.

    No source says what an incomplete or expired run carries, so those are not judged.
    """
    if run.status in ("failed", "cancelled"):
        yield from _unstamped(run, (name for name in _RUN_ENDS if name != END_STAMPS[run.status]))


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-19",))
def working_run_has_started_at(run: Sighting) -> Iterator[Result]:
    """A run that has left the queue says when: `started_at` is set from `in_progress` on.

    A run that was cancelled, failed or expired may never have started, so those are not judged.
    """
    if run.status in ("in_progress", "requires_action", "completed", "incomplete"):
        value = run.get("started_at")
        yield run.check(value is not None, f"a {run.status!r} run has no started_at", "/started_at", "a time", value)


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-19", "L-20"), closed=True)
def queued_run_has_not_started(run: RunLine) -> Iterator[Result]:
    """A run that was just queued has no `started_at`.

    One that is queued again after its tool outputs were submitted may keep its first start, as the real service did.
    """
    if run.creation is None:
        return
    for seen in run.sightings:
        resumed = any(took_effect(act) and act.started <= seen.ends for act in run.acts("submit_tool_outputs"))
        if seen.status == "queued" and not resumed:
            value = seen.get("started_at")
            yield seen.check(value is None, "a freshly queued run has a started_at", "/started_at", None, value)


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-20",), closed=True)
def start_moves_only_when_resumed(run: RunLine) -> Iterator[Result]:
    """`started_at` stays what it is, unless tool outputs were submitted in between.

    The real service set it anew when a run was resumed, and at no other time. A start that moves from look to look
    is computed when it is read.
    """
    for earlier, later in run.pairs() if run.creation is not None else ():
        was, now = earlier.get("started_at"), later.get("started_at")
        if earlier.status == "queued":
            continue  # a run that was resumed before, and has yet to start on what it was resumed for
        if earlier.time("started_at") is not None and now is not ABSENT and not resumed_between(run, earlier, later):
            yield later.check(same(was, now), "started_at has changed", "/started_at", was, now)


@rule(
    over=runs,
    level=Level.MUST,
    source=schema(f"{_RUN}, the description of each stamp"),
    capability="core",
    items=("L-03", "L-54"),
)
def stamps_of_an_ended_run_stay(run: RunLine) -> Iterator[Result]:
    """When a run has ended, its times are the same wherever and whenever it is seen.

    A `completed_at` that is the time of the look, or that the list shows differently, cannot be the time at which the
    run was completed.
    """
    ended = [seen for seen in run.sightings if seen.status in TERMINAL]
    for seen in ended[1:]:
        for name in ("started_at", *_RUN_ENDS) if seen.status == ended[0].status else ():
            was, now = ended[0].get(name), seen.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield seen.check(same(was, now), f"{name} has changed since the run ended", f"/{name}", was, now)


@rule(over=credible_runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-14",))
def unfinished_run_expires_ten_minutes_after_creation(run: Sighting) -> Iterator[Result]:
    """A run that has not ended expires ten minutes after it was created.

    The guide says roughly ten minutes; 188 of 188 recorded runs had 600 seconds. Five seconds more or less pass.
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


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-14",))
def expiry_never_moves(run: RunLine) -> Iterator[Result]:
    """A run's `expires_at` is never moved: not by a look, and not by a submission of tool outputs.

    It may become null when the run has ended.
    """
    first = next((seen for seen in run.sightings if seen.time("expires_at") is not None), None)
    for seen in run.sightings:
        if first is not None and seen is not first and seen.time("expires_at") is not None:
            was, now = first.get("expires_at"), seen.get("expires_at")
            yield seen.check(same(was, now), "expires_at has been moved", "/expires_at", was, now)


@rule(over=credible_runs, level=Level.MAY, source=_SEEN, capability="core", items=("L-15",))
def ended_run_has_no_expiry(run: Sighting) -> Iterator[Result]:
    """A run that has ended no longer expires: `expires_at` is null.

    So it was in all 45 recorded cases; keeping the time is legal, so this is for information only.
    """
    if run.status in TERMINAL and run.get("expires_at") is not ABSENT:
        value = run.get("expires_at")
        yield run.check(value is None, f"a {run.status!r} run has an expires_at", "/expires_at", None, value)
