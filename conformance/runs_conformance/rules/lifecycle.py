"""The statuses a run goes through."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL, TRANSITIONS, reachable
from runs_conformance.evidence.age import least_age, lifetime, most_age
from runs_conformance.evidence.observation import Sighting, runs_seen
from runs_conformance.evidence.run_action import cancelled_between, reachable_without_outputs, resumed_between
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_GUIDE = "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle"


@rule(
    over=runs_seen,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunObject.status"),
    capability="core",
    items=("L-02",),
)
def status_is_known(run: Sighting) -> Iterator[Result]:
    """A run's status is one of the nine that the contract names.

    Clients decide by the status whether to poll on, to call a tool or to stop; with any other word they wait forever.
    Map what the server calls its states to the contract's names, in lower case: `cancelled` has two l's.
    """
    yield run.check(
        run.status in STATUSES,
        f"the status is {run.get('status')!r}, which no client knows",
        "/status",
        list(STATUSES),
        run.get("status"),
    )


@rule(over=runs, level=Level.SHOULD, source=prose(_GUIDE), capability="core", items=("L-01",))
def begins_queued(run: RunLine) -> Iterator[Result]:
    """A run that was just created is `queued`.

    The guide says that runs start there; the real service answered so every time. A server that shows a later status
    at once is arguable, so this is a warning.
    """
    if run.creation is not None:
        first = run.sightings[0]
        yield first.check(first.status == "queued", f"it begins {first.status!r}", "/status", "queued", first.status)


@rule(over=runs, level=Level.MUST, source=prose(_GUIDE), capability="core", items=("L-04",), closed=True)
def follows_the_graph(run: RunLine) -> Iterator[Result]:
    """A run goes from one status to another only along the documented transitions.

    Between two looks any path is legal, so only what no path can explain is found: a run that goes back to `queued`
    although no tool outputs were submitted, or leaves `cancelling` for `in_progress`. Let the status be set by one
    state machine, and never from a stale copy of the run.
    """
    for earlier, later in run.pairs():
        if earlier.status not in TRANSITIONS or earlier.status == "requires_action" or later.status not in STATUSES:
            continue
        alone = run.creation is not None and not resumed_between(run, earlier, later)
        legal = reachable_without_outputs(earlier.status) if alone else reachable(earlier.status)
        yield later.check(
            later.status in legal,
            f"the run was {earlier.status!r}, and then {later.status!r}",
            "/status",
            sorted(legal),
            later.status,
        )


@rule(
    over=runs, level=Level.MUST, source=prose(_GUIDE), capability="tools", items=("L-04", "L-16", "L-36"), closed=True
)
def waits_for_outputs(run: RunLine) -> Iterator[Result]:
    """A run that requires action goes on only after its tool outputs were submitted.

    Judged where the whole of the run was recorded: without an accepted submission it may be cancelled, fail or
    expire, but neither work nor end well. Answering 400 to a submission and resuming all the same is found here, too.
    """
    for earlier, later in run.pairs():
        if earlier.status != "requires_action" or run.creation is None:
            continue
        if resumed_between(run, earlier, later) or cancelled_between(run, earlier, later):
            continue
        yield later.check(
            later.status not in ("queued", "in_progress", "completed", "incomplete"),
            f"the run waited for tool outputs; none were taken, and it is {later.status!r}",
            "/status",
            "requires_action",
            later.status,
        )


@rule(over=runs, level=Level.MUST, source=prose(_GUIDE), capability="core", items=("L-03",))
def terminal_status_is_final(run: RunLine) -> Iterator[Result]:
    """A run that has ended keeps its status for good.

    Clients stop polling at a terminal status and act on it. A later cancellation, submission, or a worker that
    finishes late must not write over it: check the status in the same transaction that changes it.
    """
    for sighting in run.sightings:
        end = next((each for each in run.sightings if each.status in TERMINAL and each.before(sighting)), None)
        if end is not None:
            yield sighting.check(
                sighting.status == end.status,
                f"the run had ended {end.status!r}, and is now {sighting.status!r}",
                "/status",
                end.status,
                sighting.status,
            )


_EXPIRY = schema("openai-openapi f85dbe2 openapi.yaml RunObject.expires_at")


def _outlives(run: RunLine, statuses: tuple[str, ...]) -> Iterator[Result]:
    life = lifetime(run)
    if life is None:
        return
    for sighting in run.sightings:
        if sighting.status == "expired":
            before = run.before(sighting)
            if before is not None and before.status in statuses:
                yield HELD
        elif sighting.status in statuses and least_age(run, sighting) > life + max(5.0, life / 10):
            late = round(least_age(run, sighting) - life)
            yield sighting.finding(
                f"the run is still {sighting.status!r} {late} s after its expires_at",
                "/status",
                "expired",
                sighting.status,
            )
        elif sighting.status in statuses and least_age(run, sighting) > life:
            yield Undecided("the run was not looked at for long enough after its expires_at")


@rule(
    over=runs,
    level=Level.MUST,
    source=prose(_GUIDE),
    capability="tools",
    items=("L-16",),
    needs="runs whose expires_at comes within the time given for it",
)
def waiting_run_expires(run: RunLine) -> Iterator[Result]:
    """A run whose tool outputs do not come before its `expires_at` becomes `expired`.

    Else it holds the lock of its thread forever. The time is taken from the run's own stamps, with five seconds (or a
    tenth of its life) to spare. Check the expiry when a run is read as well as by a sweeper.
    """
    yield from _outlives(run, ("requires_action",))


@rule(
    over=runs,
    level=Level.SHOULD,
    source=prose(_GUIDE),
    capability="core",
    items=("L-17",),
    needs="runs whose expires_at comes within the time given for it",
)
def working_run_expires(run: RunLine) -> Iterator[Result]:
    """A run that executes past its `expires_at` becomes `expired`.

    The guide says that runs which take too long expire; clients rely on it to get their thread back.
    """
    yield from _outlives(run, ("queued", "in_progress", "cancelling"))


@rule(
    over=runs,
    level=Level.SHOULD,
    source=_EXPIRY,
    capability="core",
    items=("L-16", "L-17"),
    needs="runs whose expires_at comes within the time given for it",
)
def expires_no_earlier(run: RunLine) -> Iterator[Result]:
    """A run expires at its `expires_at`, and not before.

    Judged where the run's whole life was recorded, with two seconds to spare.
    """
    life = lifetime(run)
    for sighting in run.sightings:
        age = most_age(run, sighting)
        if sighting.status == "expired" and life is not None and age is not None:
            yield sighting.check(
                age + 2.0 >= life, f"expired after at most {age:.0f} of its {life:.0f} s", "/status", None, "expired"
            )
