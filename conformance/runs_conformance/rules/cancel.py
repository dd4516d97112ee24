"""Cancelling a run: when it is possible, what it does, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.complete_list import steps_after_the_end, whole_lists_of
from runs_conformance.evidence.run_action import Act, cancellations, cancellations_of_any_kind, cancelled_between
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.evidence.tool_call import calls_in_step, calls_of
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_SUMMARY = schema("openai-openapi f85dbe2 openapi.yaml cancelRun")
_SEEN = observed("recorded traffic: ruby-openai 2024-04, simple-openai 2024-05, azure-sdk-assets 2024-06")


def _possible(act: Act, statuses: tuple[str, ...]) -> Iterator[Result]:
    if act.before is None or act.before.status not in statuses or not act.plain:
        return
    if act.exchange.accepted:
        yield HELD
    elif act.exchange.refused and act.after is not None and act.after.status in ACTIVE:
        yield act.exchange.finding(
            f"a run that was {act.before.status!r}, and is {act.after.status!r} still, could not be cancelled",
            "",
            200,
            act.exchange.status,
        )
    else:
        yield Undecided("the run may have ended before it was cancelled")


@rule(
    over=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    items=("L-31",),
    closed=True,
)
def run_in_progress_can_be_cancelled(act: Act) -> Iterator[Result]:
    """A run that is in progress can be cancelled.

    The operation is described by these very words. A refusal is held against the target only if the run was seen
    active afterwards.
    """
    yield from _possible(act, ("in_progress",))


@rule(
    over=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    items=("L-32",),
    closed=True,
)
def queued_or_waiting_run_can_be_cancelled(act: Act) -> Iterator[Result]:
    """A run that is queued or waits for tool outputs can be cancelled, too.

    Else a client that cannot answer a tool call has to wait ten minutes for its thread.
    """
    yield from _possible(act, ("queued", "requires_action"))


@rule(
    over=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    items=("L-31",),
)
def answer_says_so(act: Act) -> Iterator[Result]:
    """An accepted cancellation is answered with the run, `cancelling` or already `cancelled`.

    Clients show what the answer says. Change the status before answering, not in a task that is still to run.
    """
    if act.exchange.accepted and act.answer is not None and act.before is not None and act.before.status in ACTIVE:
        status = act.answer.status
        if status in TERMINAL and status != "cancelled":
            yield Undecided("the run ended before it was cancelled")
        else:
            told = status in ("cancelling", "cancelled")
            yield act.answer.check(told, f"the answer says {status!r}", "/status", "cancelling", status)


@rule(
    over=cancellations, level=Level.SHOULD, source=_GUIDE, capability="cancel", operation="cancel_run", items=("L-31",)
)
def is_carried_out(act: Act) -> Iterator[Result]:
    """A run whose cancellation was accepted is never again seen queued, in progress or waiting for tool outputs.

    It may still complete, fail or expire: cancelling is attempted, and may come too late.
    """
    if act.exchange.accepted and act.before is not None and act.before.status in ACTIVE:
        for seen in act.later:
            gone_on = seen.status in ("queued", "in_progress", "requires_action")
            yield seen.check(
                not gone_on, f"the run was cancelled, and is {seen.status!r}", "/status", "cancelling", seen.status
            )


@rule(
    over=cancellations, level=Level.SHOULD, source=_GUIDE, capability="cancel", operation="cancel_run", items=("L-31",)
)
def waiting_run_ends_cancelled(act: Act) -> Iterator[Result]:
    """A run that is cancelled while it waits for tool outputs ends `cancelled`.

    There is nothing that it could complete without them.
    """
    if act.exchange.accepted and act.before is not None and act.before.status == "requires_action" and act.end:
        status = act.end.status
        if status == "expired":
            yield Undecided("the run expired before it was cancelled")
        else:
            yield act.end.check(status == "cancelled", f"it ended {status!r}", "/status", "cancelled", status)


@rule(
    over=cancellations, level=Level.SHOULD, source=_SEEN, capability="cancel", operation="cancel_run", items=("L-33",)
)
def ended_run_cannot_be_cancelled(act: Act) -> Iterator[Result]:
    """A run that has completed, failed, expired or ended incomplete cannot be cancelled: 400.

    The real service said `Cannot cancel run with status 'completed'.` Cancelling a cancelled run again is not judged.
    """
    if act.plain and act.before is not None and act.before.status in TERMINAL - {"cancelled"}:
        end, status = act.before.status, act.exchange.status
        if status == 400:
            yield HELD
        elif act.exchange.accepted or (act.exchange.refused and status != 404):
            # 404 is the answer where the thread has been deleted meanwhile.
            yield act.exchange.finding(
                f"cancelling a run that had ended {end!r} was answered {status}", "", 400, status
            )


@rule(
    over=cancellations_of_any_kind,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    items=("L-33",),
    closed=True,
)
def refused_cancellation_changes_nothing(act: Act) -> Iterator[Result]:
    """A run whose cancellation was refused goes on as if nobody had asked, also if the path or the key was wrong.

    Check that the run may be cancelled, and by whom, before anything is written.
    """
    if act.exchange.refused and act.before is not None and act.before.status in ACTIVE - {"cancelling"} and act.after:
        status = act.after.status
        yield act.after.check(
            status not in ("cancelling", "cancelled"), f"the refused run is {status!r}", "/status", None, status
        )


@rule(
    over=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    items=("L-31",),
)
def comes_to_an_end(act: Act) -> Iterator[Result]:
    """A run whose cancellation was accepted reaches a terminal status.

    The real service took a second. A run that is `cancelling` twenty seconds later holds its thread for nothing.
    """
    if not act.exchange.accepted or act.answer is None or not act.later:
        return
    last = act.later[-1]
    if act.end is not None:
        yield HELD
    elif last.status == "cancelling":
        waited = last.begins - act.exchange.ended
        stuck = last.finding(f"the run is cancelling since {waited:.0f} s", "/status", "cancelled", last.status)
        yield stuck if waited > 20 else Undecided("the run was not looked at for long enough after its cancellation")


@rule(over=runs, level=Level.SHOULD, source=_GUIDE, capability="core", items=("L-31",), closed=True)
def happens_only_when_asked_for(run: RunLine) -> Iterator[Result]:
    """Only a run that somebody cancelled, or whose thread was deleted, is `cancelling` or `cancelled`.

    A run that ends for the server's own reasons is `failed` or `expired`, and says why.
    """
    if run.creation is None:
        return
    first = run.sightings[0]
    for seen in run.sightings:
        stopped = seen.status in ("cancelling", "cancelled")
        if stopped or seen.status in TERMINAL:
            asked = cancelled_between(run, first, seen)
            yield seen.check(
                asked or not stopped,
                f"nobody cancelled the run, and it is {seen.status!r}",
                "/status",
                None,
                seen.status,
            )


@rule(
    over=runs,
    level=Level.MUST,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    items=("L-04",),
    closed=True,
)
def stops_no_other_run(run: RunLine) -> Iterator[Result]:
    """A cancellation stops the run that its path names, and no other run of the thread.

    A client that comes too late to cancel one run must not lose the next. Look the run up by its own id.
    """
    if run.creation is None:
        return
    others = [e for e in run.history if _is_upon_another(e, run)]
    for earlier, later in run.pairs() if others else ():
        if earlier.status not in ACTIVE - {"cancelling"} or earlier.exchange is later.exchange:
            continue
        between = next((e for e in others if e.started >= earlier.ends and e.ended <= later.begins), None)
        if between is not None and not cancelled_between(run, run.sightings[0], later):
            stopped = later.status in ("cancelling", "cancelled")
            why = f"it is {later.status!r} since run {between.path['run_id']} was cancelled, and not this one"
            yield later.check(not stopped, why, "/status", earlier.status, later.status)


def _is_upon_another(exchange: Exchange, run: RunLine) -> bool:
    same_thread = exchange.path.get("thread_id") == run.thread_id
    return exchange.operation == "cancel_run" and same_thread and exchange.path.get("run_id") != run.id


@rule(
    over=cancellations, level=Level.SHOULD, source=_GUIDE, capability="cancel", operation="cancel_run", items=("L-35",)
)
def leaves_what_was_there(act: Act) -> Iterator[Result]:
    """Steps and messages that were there when a run was cancelled are there afterwards.

    Cancelling ends the work and does not undo it. What the user has read must not vanish.
    """
    if not act.exchange.accepted or act.end is None:
        return
    for operation, names in (
        ("list_run_steps", {"run_id": act.run.id}),
        ("list_messages", {"thread_id": act.run.thread_id}),
    ):
        pages = list(whole_lists_of(act.run.history, operation, **names))
        former = next((page for page in pages if page.exchange.before(act.exchange) and page.items), None)
        later = next((page for page in pages if act.end.ends <= page.exchange.started), None)
        if former is not None and later is not None:
            lost = sorted(set(former.ids) - set(later.ids))
            yield later.exchange.finding(f"{lost[0]} is gone since the run was cancelled", "/data") if lost else HELD


@rule(over=runs, level=Level.SHOULD, source=_GUIDE, capability="steps", items=("L-35",), closed=True)
def ends_the_steps(run: RunLine) -> Iterator[Result]:
    """When a run has been cancelled, none of its steps is in progress, and one that waited for outputs is cancelled.

    Clients show a step in progress as work that goes on. End the steps together with their run.
    """
    page = steps_after_the_end(run.history, run.id)
    if page is None or not any(seen.status == "cancelled" for seen in run.sightings):
        return
    pending: set[str] = set()
    for act in cancellations(run.history):
        if act.run is run and act.exchange.accepted and act.before is not None:
            pending.update(call.id for call in calls_of(act.before) or ())
    for step in page.items:
        waited = bool(pending & {call.id for call in calls_in_step(step)})
        holds = step.status == "cancelled" if waited else step.status != "in_progress"
        yield step.check(holds, f"a step of a cancelled run is {step.status!r}", "/status", "cancelled", step.status)
