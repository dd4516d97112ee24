"""Run lifecycle: the statuses of a run and its expiry."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL, TRANSITIONS, reachable, reachable_without_outputs
from runs_conformance.evidence.observation import Observation, run_observations
from runs_conformance.evidence.run_action import (
    CANCELLED_BEFORE_CALL,
    RunAction,
    comes_before_calls,
    may_be_cancelled_between,
    may_be_resumed_between,
)
from runs_conformance.evidence.run_timeline import (
    RunTimeline,
    created_runs,
    lifetime,
    maximum_age,
    minimum_age,
    runs,
)
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.text import in_words
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_GUIDE = "openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle"


@rule(
    units=run_observations,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunObject.status"),
    capability="core",
    clauses=("run-status-is-known",),
)
def status_is_known(run: Observation) -> Iterator[Result]:
    """A run's status is one of the nine that the contract names.

    Clients decide by the status whether to keep polling, call a tool or stop; with any other value they wait forever.

    Fix: Map the server's states to the contract's names, in lower case: `cancelled` has two l's.
    """
    yield run.check(
        run.status in STATUSES,
        f"the status is {in_words(run.get('status'))}, which the contract does not name",
        "/status",
        list(STATUSES),
        run.get("status"),
    )


@rule(
    units=created_runs,
    level=Level.SHOULD,
    source=prose(_GUIDE),
    capability="core",
    clauses=("created-run-is-queued",),
)
def begins_queued(run: RunTimeline) -> Iterator[Result]:
    """A newly created run is `queued`.

    The guide says that runs start there; the real service always did so. Servers that start a run before they respond
    may show a later status, so this is a warning. A stream without `thread.run.created` does not show how the run
    began.

    Fix: Return the run as `queued` in the response that creates it.
    """
    if run.creation is not None:
        first = run.observations[0]
        if first.event not in (None, "thread.run.created", "thread.run.queued"):
            return
        yield first.check(
            first.status == "queued", f"the new run is {first.status!r}", "/status", "queued", first.status
        )


@rule(
    units=runs,
    level=Level.MUST,
    source=prose(_GUIDE),
    capability="core",
    clauses=("transitions-follow-the-graph",),
    needs_complete_history=True,
    occasions=3,
    needs_parts=((CANCELLED_BEFORE_CALL, "cancel_run", "submit_tool_outputs"),),
)
def follows_the_graph(run: RunTimeline) -> Iterator[Result]:
    """A run's status changes only along the documented transitions.

    Clients are written for these transitions only. Any path between two reads is allowed, so the only findings are
    changes that no path explains: a run returns to `queued` although no tool outputs were submitted, or leaves
    `cancelling` for `in_progress`.

    Fix: Set the status in one state machine, and never from a stale copy of the run.
    """
    for earlier, later in run.pairs():
        if later.status not in STATUSES:
            yield Suspicion("the run shows no known status, so the transition cannot be judged")
            continue
        if earlier.status not in TRANSITIONS or earlier.status == "requires_action":
            continue
        without_outputs = run.creation is not None and not may_be_resumed_between(run, earlier, later)
        allowed = reachable_without_outputs(earlier.status) if without_outputs else reachable(earlier.status)
        yield later.check(
            later.status in allowed,
            f"the run changed from {earlier.status!r} to {later.status!r}",
            "/status",
            sorted(allowed),
            later.status,
        )
    if any(comes_before_calls(RunAction(run, exchange)) for exchange in run.actions("cancel_run")):
        yield Passed(CANCELLED_BEFORE_CALL)


@rule(
    units=runs,
    level=Level.MUST,
    source=prose(_GUIDE),
    capability="tools",
    clauses=("transitions-follow-the-graph", "run-without-outputs-expires", "outputs-only-while-required"),
    needs_complete_history=True,
)
def waits_for_outputs(run: RunTimeline) -> Iterator[Result]:
    """A run that requires action continues only after its tool outputs are accepted.

    An answer given without the outputs is made up. Judged only if the whole run was recorded: without an accepted
    submission it may be cancelled, fail or expire, but not continue or complete. A server that refuses a submission
    with 400 and resumes anyway fails, too.

    Fix: Resume a run only when a submission of its tool outputs is accepted.
    """
    for earlier, later in run.up_to_date.pairs():
        if earlier.status != "requires_action" or run.creation is None:
            continue
        if may_be_resumed_between(run, earlier, later) or may_be_cancelled_between(run, earlier, later):
            continue
        yield later.check(
            later.status not in ("queued", "in_progress", "completed", "incomplete"),
            f"the run required action, no tool outputs were accepted, and it is now {later.status!r}",
            "/status",
            "requires_action",
            later.status,
        )


@rule(
    units=runs,
    level=Level.MUST,
    source=prose(_GUIDE),
    capability="core",
    clauses=("terminal-status-is-final",),
    occasions=2,
)
def terminal_status_is_final(run: RunTimeline) -> Iterator[Result]:
    """A run that has ended keeps its status.

    Clients stop polling at a terminal status and act on it. A later cancellation or submission, or a worker that
    finishes late, must not overwrite it. Statuses that the contract does not name are not judged.

    Fix: Check the current status in the transaction that changes it.
    """
    for observation in run.observations:
        end = next(
            (
                earlier
                for earlier in run.observations
                if earlier.status in TERMINAL and earlier.happened_before(observation)
            ),
            None,
        )
        if end is not None and observation.status not in STATUSES:
            yield Suspicion("a later response shows no known status of the ended run")
        elif end is not None:
            yield observation.check(
                observation.status == end.status,
                f"the run had ended {end.status!r}, and is now {observation.status!r}",
                "/status",
                end.status,
                observation.status,
            )


_EXPIRED_RUNS = "runs that are observed until they expire (--expiry-timeout above their lifetime, such as 11m)"
_EXPIRY = schema("openai-openapi f85dbe2 openapi.yaml RunObject.expires_at")


def _check_expiry(run: RunTimeline, statuses: tuple[str, ...]) -> Iterator[Result]:
    lifetime_seconds = lifetime(run)
    if lifetime_seconds is None or lifetime_seconds <= 0:
        return
    for observation in run.observations:
        if observation.status == "expired":
            before = run.latest_before(observation)
            if before is not None and before.status in statuses:
                yield PASSED
        elif observation.status in statuses and minimum_age(run, observation) > lifetime_seconds + max(
            5.0, lifetime_seconds / 10
        ):
            late = round(minimum_age(run, observation) - lifetime_seconds)
            yield observation.finding(
                f"the run is still {observation.status!r} {late} s after its expires_at",
                "/status",
                "expired",
                observation.status,
            )
        elif observation.status in statuses and minimum_age(run, observation) > lifetime_seconds:
            yield Inconclusive("the run was not observed for long enough after its expires_at")


@rule(
    units=runs,
    level=Level.MUST,
    source=prose(_GUIDE),
    capability="tools",
    clauses=("run-without-outputs-expires",),
    needs=_EXPIRED_RUNS,
)
def waiting_run_expires(run: RunTimeline) -> Iterator[Result]:
    """A run whose tool outputs are not submitted before its `expires_at` becomes `expired`.

    Otherwise it holds the lock of its thread forever. The deadline is taken from the run's own timestamps, with a
    tolerance of five seconds or a tenth of its lifetime.

    Fix: Check the expiry when a run is read, and in a background job.
    """
    yield from _check_expiry(run, ("requires_action",))


@rule(
    units=runs,
    level=Level.SHOULD,
    source=prose(_GUIDE),
    capability="core",
    clauses=("slow-run-expires",),
    needs=_EXPIRED_RUNS,
)
def working_run_expires(run: RunTimeline) -> Iterator[Result]:
    """A run that executes past its `expires_at` becomes `expired`.

    The guide says that runs which take too long expire; clients rely on it to get their thread back.

    Fix: Check the expiry of runs in every status that is not terminal.
    """
    yield from _check_expiry(run, ("queued", "in_progress", "cancelling"))


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_EXPIRY,
    capability="core",
    clauses=("run-without-outputs-expires", "slow-run-expires"),
    needs=_EXPIRED_RUNS,
)
def expires_no_earlier(run: RunTimeline) -> Iterator[Result]:
    """A run does not expire before its `expires_at`.

    Clients plan their tool calls by this time. Judged only if the run's whole life was recorded, with a tolerance of
    two seconds.

    Fix: Compare the current time with `expires_at` before setting the status `expired`.
    """
    lifetime_seconds = lifetime(run)
    for observation in run.observations:
        age = maximum_age(run, observation)
        if observation.status == "expired" and lifetime_seconds is not None and age is not None:
            yield observation.check(
                age + 2.0 >= lifetime_seconds,
                f"the run expired after at most {age:.0f} s of its {lifetime_seconds:.0f} s",
                "/status",
                actual="expired",
            )
