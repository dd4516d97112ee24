"""Cancellation of runs: when it is possible, its effect, and what it must not affect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.complete_list import complete_lists_of, steps_after_run_end
from runs_conformance.evidence.run_action import RunAction, all_cancellations, cancellations, may_be_cancelled_between
from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import pending_calls, step_tool_calls
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_SUMMARY = schema("openai-openapi f85dbe2 openapi.yaml cancelRun")
_SEEN = observed("recorded traffic: ruby-openai 2024-04, simple-openai 2024-05, azure-sdk-assets 2024-06")

_CANCELLING_SECONDS = 12.0
"""How long a run may be cancelling. Less than the shortest time that programs wait for the end of a run at first."""


def _check_possible(action: RunAction, statuses: tuple[str, ...]) -> Iterator[Result]:
    before, after = action.state_before, action.state_after
    if before is None or before.status not in statuses or not action.must_be_accepted:
        return
    if action.exchange.accepted:
        yield PASSED
    elif action.exchange.refused and after is not None and after.status in ACTIVE:
        message = f"the cancellation of a run that was {before.status!r}, and {after.status!r} afterwards, was refused"
        yield action.exchange.finding(message, "", 200, action.exchange.status)
    else:
        yield Inconclusive("the run may have ended before it was cancelled")


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
)
def run_in_progress_can_be_cancelled(action: RunAction) -> Iterator[Result]:
    """A run that is `in_progress` can be cancelled.

    The specification describes the operation this way. A refusal counts only if the run was still active afterwards.

    Fix: Accept the cancellation of every active run.
    """
    yield from _check_possible(action, ("in_progress",))


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-accepted-while-queued-or-waiting",),
    needs_complete_history=True,
)
def queued_or_waiting_run_can_be_cancelled(action: RunAction) -> Iterator[Result]:
    """A run that is `queued` or `requires_action` can be cancelled.

    Otherwise a client that cannot answer a tool call has to wait ten minutes for its thread.

    Fix: Accept the cancellation of every active run.
    """
    yield from _check_possible(action, ("queued", "requires_action"))


@dataclass(frozen=True, slots=True)
class _DeclaredCancellation:
    """A cancellation without a body whose content type is JSON, and a later one of the run without a content type."""

    exchange: Exchange
    undeclared: Exchange | None


def _declared_cancellations(history: History) -> Iterator[_DeclaredCancellation]:
    sent = [each for each in history if each.operation == "cancel_run" and each.request.body is ABSENT]
    for exchange in sent:
        if _declares_json(exchange) and exchange.step is not None and exchange.step.key is Key.PRIMARY:
            others = (
                x for x in sent if x.path == exchange.path and not _declares_json(x) and x.started > exchange.started
            )
            yield _DeclaredCancellation(exchange, next(others, None))


def _declares_json(exchange: Exchange) -> bool:
    headers = {name.lower(): value for name, value in exchange.request.headers.items()}
    return headers.get("content-type", "").lower().startswith("application/json")


@rule(
    units=_declared_cancellations,
    level=Level.MUST,
    source=schema(
        "openai-openapi f85dbe2 openapi.yaml cancelRun: no request body",
        note="openai-python 1 to 3 and openai-node 4 declare the missing body as JSON",
    ),
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
)
def content_type_of_no_body_is_ignored(cancellation: _DeclaredCancellation) -> Iterator[Result]:
    """A cancellation without a body is accepted, although its content type is `application/json`.

    The official Python client sends it so. A refusal counts only if the run can be cancelled without the content type.

    Fix: Parse the body of a request only if it has one, whatever its content type.
    """
    exchange = cancellation.exchange
    if exchange.accepted:
        yield PASSED
    elif not exchange.refused or cancellation.undeclared is None:
        return
    elif cancellation.undeclared.accepted:
        yield exchange.finding(
            "the cancellation was refused with the content type application/json and no body, and accepted without it",
            "",
            200,
            exchange.status,
        )
    else:
        yield Inconclusive("the cancellation was also refused without a content type")


def _stops_active_run(action: RunAction) -> bool:
    before = action.state_before
    return action.exchange.accepted and before is not None and before.status in ACTIVE


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
)
def answer_says_so(action: RunAction) -> Iterator[Result]:
    """An accepted cancellation is answered with the run in `cancelling` or `cancelled`.

    Clients display the status in the answer.

    Fix: Change the status before answering, not in a background task.
    """
    if _stops_active_run(action) and action.answer is not None:
        status = action.answer.status
        if status in TERMINAL and status != "cancelled":
            yield Inconclusive("the run ended before it was cancelled")
        else:
            is_stopped = status in ("cancelling", "cancelled")
            yield action.answer.check(
                is_stopped, f"the answer shows the status {status!r}", "/status", "cancelling", status
            )


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
)
def is_carried_out(action: RunAction) -> Iterator[Result]:
    """A run whose cancellation was accepted is not `queued`, `in_progress` or `requires_action` afterwards.

    It may still complete, fail or expire, since the cancellation may come too late.

    Fix: Check for a cancellation before every change of the status.
    """
    if _stops_active_run(action):
        for observation in action.later_observations:
            continues = observation.status in ("queued", "in_progress", "requires_action")
            yield observation.check(
                not continues,
                f"the run was cancelled but is {observation.status!r}",
                "/status",
                "cancelling",
                observation.status,
            )


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
)
def waiting_run_ends_cancelled(action: RunAction) -> Iterator[Result]:
    """A run that is cancelled while it waits for tool outputs ends `cancelled`.

    It cannot complete without the outputs.

    Fix: End a waiting run immediately when it is cancelled.
    """
    before = action.state_before
    if action.exchange.accepted and before is not None and before.status == "requires_action" and action.final_state:
        status = action.final_state.status
        if status == "expired":
            yield Inconclusive("the run expired before it was cancelled")
        else:
            yield action.final_state.check(
                status == "cancelled",
                f"the waiting run was cancelled but ended {status!r}",
                "/status",
                "cancelled",
                status,
            )


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-refused-after-end",),
)
def ended_run_cannot_be_cancelled(action: RunAction) -> Iterator[Result]:
    """The cancellation of a run that has ended is refused with HTTP 400.

    The real service answered `Cannot cancel run with status 'completed'.`, and users quote the same answer for a
    cancelled run. A second cancellation while the first is being carried out is not judged.

    Fix: Check the status of the run before cancelling it.
    """
    before = action.state_before
    if action.must_be_accepted and before is not None and before.status in TERMINAL:
        end, status = before.status, action.exchange.status
        if status == 400:
            yield PASSED
        elif action.exchange.accepted or (action.exchange.refused and status != 404):
            # 404 is correct if the thread has been deleted meanwhile.
            yield action.exchange.finding(
                f"the cancellation of a run that had ended {end!r} was answered with HTTP {status}", "", 400, status
            )


@rule(
    units=all_cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-refused-after-end",),
    needs_complete_history=True,
)
def refused_cancellation_changes_nothing(action: RunAction) -> Iterator[Result]:
    """A run whose cancellation was refused continues, also if the path or the key was wrong.

    A client that is not allowed to cancel a run must not be able to stop it.

    Fix: Validate path, key and status before writing anything.
    """
    before, after = action.state_before, action.state_after
    if action.exchange.refused and before is not None and before.status in ACTIVE - {"cancelling"} and after:
        is_stopped = after.status in ("cancelling", "cancelled")
        message = f"the cancellation was refused but the run is {after.status!r}"
        yield after.check(not is_stopped, message, "/status", None, after.status)


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SEEN,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancel-ends-run-in-progress",),
)
def comes_to_an_end(action: RunAction) -> Iterator[Result]:
    """A run whose cancellation was accepted reaches a terminal status.

    A run that is still `cancelling` after twelve seconds locks its thread without need. The real service took one
    second.

    Fix: Set the terminal status even if the worker of the run no longer exists.
    """
    if not action.exchange.accepted or action.answer is None or not action.later_observations:
        return
    last = action.later_observations[-1]
    if action.final_state is not None:
        yield PASSED
    elif last.status == "cancelling":
        seconds = last.earliest - action.exchange.ended
        finding = last.finding(f"the run has been cancelling for {seconds:.0f} s", "/status", "cancelled", last.status)
        yield (
            finding
            if seconds > _CANCELLING_SECONDS
            else Inconclusive("the run was not observed long enough after its cancellation")
        )


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="core",
    requirements=("cancel-ends-run-in-progress",),
    needs_complete_history=True,
    occasions=3,
)
def happens_only_when_asked_for(run: RunTimeline) -> Iterator[Result]:
    """A run is `cancelling` or `cancelled` only if a client cancelled it or deleted its thread.

    Clients take these statuses for a decision of the user.

    Fix: End a run for the server's own reasons as `failed` or `expired`, with a `last_error`.
    """
    if run.creation is None:
        return
    first = run.observations[0]
    for observation in run.observations:
        is_stopped = observation.status in ("cancelling", "cancelled")
        if is_stopped or observation.status in TERMINAL:
            is_explained = may_be_cancelled_between(run, first, observation)
            yield observation.check(
                is_explained or not is_stopped,
                f"the run is {observation.status!r} although no client cancelled it",
                "/status",
                None,
                observation.status,
            )


@rule(
    units=runs,
    level=Level.MUST,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    requirements=("transitions-follow-the-graph",),
    needs_complete_history=True,
)
def stops_no_other_run(run: RunTimeline) -> Iterator[Result]:
    """A cancellation stops only the run in its path, and no other run of the thread.

    A client that comes too late to cancel one run must not lose the next one.

    Fix: Look up the run by its own id, not by its thread.
    """
    if run.creation is None:
        return
    others = [e for e in run.history if _cancels_other_run(e, run)]
    for earlier, later in run.pairs() if others else ():
        if earlier.status not in ACTIVE - {"cancelling"} or earlier.exchange is later.exchange:
            continue
        between = next((e for e in others if e.started >= earlier.latest and e.ended <= later.earliest), None)
        if between is not None and not may_be_cancelled_between(run, run.observations[0], later):
            is_stopped = later.status in ("cancelling", "cancelled")
            if is_stopped:
                message = f"the run is {later.status!r} although only run {between.path['run_id']} was cancelled"
                yield later.finding(message, "/status", earlier.status, later.status)
            else:
                yield pass_if_working(between, between.accepted or operation_works(run.history, between))


def _cancels_other_run(exchange: Exchange, run: RunTimeline) -> bool:
    same_thread = exchange.path.get("thread_id") == run.thread_id
    return exchange.operation == "cancel_run" and same_thread and exchange.path.get("run_id") != run.id


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    requirements=("cancellation-closes-steps-and-messages",),
)
def leaves_what_was_there(action: RunAction) -> Iterator[Result]:
    """Steps and messages that existed when a run was cancelled still exist afterwards.

    A cancellation ends the work but does not undo it; the user may have read the messages.

    Fix: Do not roll back the writes of a cancelled run.
    """
    if not action.exchange.accepted or action.final_state is None:
        return
    for operation, path in (
        ("list_run_steps", {"run_id": action.run.id}),
        ("list_messages", {"thread_id": action.run.thread_id}),
    ):
        pages = list(complete_lists_of(action.run.history, operation, **path))
        earlier_pages = (page for page in pages if page.exchange.happened_before(action.exchange) and page.items)
        earlier_page = next(earlier_pages, None)
        later_page = next((page for page in pages if action.final_state.latest <= page.exchange.started), None)
        if earlier_page is not None and later_page is not None:
            lost = sorted(set(earlier_page.ids) - set(later_page.ids))
            message = f"{lost[0]} disappeared after the run was cancelled" if lost else ""
            yield later_page.exchange.finding(message, "/data") if lost else PASSED


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="steps",
    requirements=("cancellation-closes-steps-and-messages",),
    needs_complete_history=True,
)
def ends_the_steps(run: RunTimeline) -> Iterator[Result]:
    """A cancelled run has no step in progress, and a step whose calls were pending is cancelled.

    Clients show a step in progress as ongoing work.

    Fix: End the steps together with their run.
    """
    page = steps_after_run_end(run.history, run.id)
    if page is None or not any(observation.status == "cancelled" for observation in run.observations):
        return
    pending: set[str] = set()
    for action in cancellations(run.history):
        if action.run is run and action.exchange.accepted and action.state_before is not None:
            pending.update(call.id for call in pending_calls(action.state_before) or ())
    for step in page.items:
        was_pending = bool(pending & {call.id for call in step_tool_calls(step)})
        holds = step.status == "cancelled" if was_pending else step.status != "in_progress"
        yield step.check(holds, f"a step of a cancelled run is {step.status!r}", "/status", "cancelled", step.status)
