"""The effect of an accepted cancellation on its run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from runs_conformance.contract.lifecycle import ACTIVE, STEP_STATUSES, TERMINAL
from runs_conformance.evidence.complete_list import check_listed, complete_lists_of, steps_after_run_end
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_action import (
    CANCELLED_BEFORE_CALL,
    RunAction,
    cancellations,
    comes_before_calls,
    may_be_resumed_between,
)
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import pending_calls, step_tool_calls
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run lifecycle")
_SUMMARY = schema("openai-openapi f85dbe2 openapi.yaml cancelRun")
_SEEN = observed("recorded traffic: ruby-openai 2024-04, simple-openai 2024-05, azure-sdk-assets 2024-06")
_CANCELLING_SECONDS = 12.0
"""How long a run may be cancelling. Less than the shortest time that programs wait for the end of a run at first."""

_CONTINUING = ACTIVE - {"cancelling"}


def _stops_active_run(action: RunAction) -> bool:
    before = action.state_before
    return action.exchange.accepted and before is not None and before.status in ACTIVE


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_SUMMARY,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-ends-run-in-progress",),
    formerly=("cancel.answer_says_so",),
)
def response_shows_the_cancellation(action: RunAction) -> Iterator[Result]:
    """The response to an accepted cancellation shows the run in `cancelling` or `cancelled`.

    Clients display the status in the response.

    Fix: Change the status before responding, not in a background task.
    """
    if _stops_active_run(action) and action.response_object is not None:
        status = action.response_object.status
        if status in TERMINAL and status != "cancelled":
            yield Inconclusive("the run ended before it was cancelled")
        else:
            is_stopped = status in ("cancelling", "cancelled")
            yield action.response_object.check(
                is_stopped, f"the response shows the status {status!r}", "/status", "cancelling", status
            )


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-ends-run-in-progress",),
    needs_parts=((CANCELLED_BEFORE_CALL, "cancel_run", "submit_tool_outputs"),),
)
def is_carried_out(action: RunAction) -> Iterator[Result]:
    """A run whose cancellation was accepted is not `queued`, `in_progress` or `requires_action` afterwards.

    A client that cancels a run expects its work and cost to stop. The run may still complete, fail or expire, since the
    cancellation may come too late.

    Fix: Check for a cancellation before every change of the status.
    """
    if _stops_active_run(action):
        for observation in action.later_observations:
            continues = observation.status in _CONTINUING
            yield observation.check(
                not continues,
                f"the run was cancelled but is {observation.status!r}",
                "/status",
                "cancelling",
                observation.status,
            )
    if comes_before_calls(action):
        yield Passed(CANCELLED_BEFORE_CALL)


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancel-ends-run-in-progress",),
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
        elif status != "cancelled" and may_be_resumed_between(action.run, before, action.final_state):
            yield Inconclusive("the run may have received the outputs after all")
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
    clauses=("cancel-ends-run-in-progress",),
)
def comes_to_an_end(action: RunAction) -> Iterator[Result]:
    """A run whose cancellation was accepted reaches a terminal status.

    A run that is still `cancelling` after twelve seconds, or that resumes after `cancelling`, keeps its thread locked
    without need. The real service took one second. An end that tool outputs or a second cancellation may have caused
    does not count.

    Fix: Set the terminal status even if the worker of the run no longer exists.
    """
    had_ended = action.state_before is not None and action.state_before.status in TERMINAL
    if not action.exchange.accepted or action.response_object is None or not action.later_observations or had_ended:
        return
    observed = action.attributable_observations
    last = action.later_observations[-1]
    late = [each for each in observed if _seconds_after(action, each) > _CANCELLING_SECONDS]
    if ignored := next((each for each in late if each.status in _CONTINUING), None):
        if any(each.status == "cancelling" for each in observed):
            message = f"the run was cancelled but is {ignored.status!r} {_seconds_after(action, ignored):.0f} s later"
            yield ignored.finding(message, "/status", "cancelled", ignored.status)
        else:
            # Another rule reports that the cancellation had no effect.
            yield _continues_late(ignored)
    elif any(each.status in TERMINAL for each in observed):
        yield PASSED
    elif last.status == "cancelling" and (seconds := _seconds_of_cancelling(action, last)) > _CANCELLING_SECONDS:
        yield last.finding(f"the run has been cancelling for {seconds:.0f} s", "/status", "cancelled", last.status)
    elif action.final_state is not None:
        yield Inconclusive("another request may have ended the run that was cancelled")
    elif last.status in _CONTINUING:
        # No other request makes a run continue that was cancelled.
        is_late = _seconds_after(action, last) > _CANCELLING_SECONDS
        seen_last = f"the run was still {last.status!r} when it was last observed after its cancellation"
        yield _continues_late(last) if is_late else Inconclusive(seen_last)
    else:
        yield Inconclusive("the run was not observed long enough after its cancellation")


def _seconds_after(action: RunAction, observation: Observation) -> float:
    return observation.earliest - action.exchange.ended


def _continues_late(observation: Observation) -> Suspicion:
    return Suspicion(f"the run was cancelled but is {observation.status!r} more than {_CANCELLING_SECONDS:g} s later")


def _seconds_of_cancelling(action: RunAction, last: Observation) -> float:
    """The seconds that the run was `cancelling` for at least, until the last observation."""
    return last.earliest - _first_of_the_trailing(action, last).latest


def _first_of_the_trailing(action: RunAction, last: Observation) -> Observation:
    """The first of the last observations in `cancelling`: a cancellation may be ignored and repeated later.

    It is `last` if the run was observed in another status at the same time.
    """
    trailing = takewhile(lambda each: each.status == "cancelling", reversed(action.run.observations))
    return min(trailing, key=lambda each: each.latest, default=last)


@rule(
    units=cancellations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="cancel",
    operation="cancel_run",
    clauses=("cancellation-closes-steps-and-messages",),
    needs_complete_history=True,
)
def leaves_what_was_there(action: RunAction) -> Iterator[Result]:
    """Steps and messages that existed when a run was cancelled still exist afterwards, unless a client deleted them.

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
            remaining = sorted({*earlier_page.ids} - {""} - _deleted_ids(action, later_page.exchange))
            yield check_listed(later_page, remaining, "{} disappeared after the run was cancelled")


def _deleted_ids(action: RunAction, until: Exchange) -> set[str]:
    """The ids of the messages that clients deleted, perhaps, before the end of an exchange."""
    return {
        exchange.path.get("message_id", "")
        for exchange in action.run.history
        if exchange.operation == "delete_message" and may_have_taken_effect(exchange) and exchange.started < until.ended
    }


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="steps",
    clauses=("cancellation-closes-steps-and-messages",),
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
        before = action.state_before if action.run is run and action.exchange.accepted else None
        if before is not None and before.status == "requires_action":
            pending.update(call.id for call in pending_calls(before) or ())
    for step in page.items:
        if step.status not in STEP_STATUSES:
            yield Suspicion("a step shows no known status, and may be in progress")
            continue
        was_pending = bool(pending & {call.id for call in step_tool_calls(step)})
        holds = step.status == "cancelled" if was_pending else step.status != "in_progress"
        yield step.check(holds, f"a step of a cancelled run is {step.status!r}", "/status", "cancelled", step.status)
