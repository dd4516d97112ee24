from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import cancel
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import Told, call, message, page, run, step


def _cancelled(*before: str, answer: Any = "cancelling", after: tuple[str, ...] = ("cancelled",)) -> History:
    """A run that was seen in these statuses, then cancelled with this answer (None: refused), then seen in others."""
    tell = Told()
    tell.looks(*before)
    if answer is None:
        tell.refuse("cancel_run")
    else:
        tell.send("cancel_run", run(answer))
    for status in after:
        tell.get_run(run(status))
    return tell.history()


@holds(
    cancel.run_in_progress_can_be_cancelled,
    cancel.answer_says_so,
    cancel.comes_to_an_end,
    cancel.is_carried_out,
    cancel.happens_only_when_asked_for,
)
def test_run_that_is_cancelled() -> History:
    return _cancelled("queued", "in_progress", after=("cancelling", "cancelled"))


@holds(cancel.queued_or_waiting_run_can_be_cancelled, cancel.waiting_run_ends_cancelled, cancel.answer_says_so)
def test_waiting_run_that_is_cancelled_at_once() -> History:
    return _cancelled("queued", "requires_action", answer="cancelled")


@breaks(cancel.run_in_progress_can_be_cancelled, times=1)
def test_run_that_cannot_be_cancelled() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("in_progress",))


@undecided(cancel.run_in_progress_can_be_cancelled)
def test_run_that_ended_before_it_was_cancelled() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("completed",))


@breaks(cancel.queued_or_waiting_run_can_be_cancelled, times=1)
def test_waiting_run_that_cannot_be_cancelled() -> History:
    return _cancelled("queued", "requires_action", answer=None, after=("requires_action",))


@breaks(cancel.answer_says_so, at="/status", times=1)
def test_answer_that_shows_the_run_as_it_was() -> History:
    return _cancelled("queued", "in_progress", answer="in_progress")


@breaks(cancel.is_carried_out, at="/status", times=1)
def test_cancellation_that_does_nothing() -> History:
    return _cancelled("queued", "in_progress", answer="in_progress", after=("in_progress", "completed"))


@breaks(cancel.comes_to_an_end, at="/status", times=1)
def test_run_that_is_cancelled_for_ever() -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.send("cancel_run", run("cancelling"))
    tell.get_run(run("cancelling"))
    tell.wait(30)
    tell.get_run(run("cancelling"))
    return tell.history()


@breaks(cancel.waiting_run_ends_cancelled, at="/status", times=1)
def test_waiting_run_that_completes_when_cancelled() -> History:
    return _cancelled("queued", "requires_action", after=("completed",))


@holds(cancel.ended_run_cannot_be_cancelled)
def test_cancelling_a_completed_run() -> History:
    return _cancelled("queued", "completed", answer=None, after=("completed",))


@breaks(cancel.ended_run_cannot_be_cancelled, times=1)
def test_cancelling_a_completed_run_with_success() -> History:
    return _cancelled("queued", "completed", answer="completed", after=("completed",))


@holds(cancel.refused_cancellation_changes_nothing)
def test_refused_cancellation() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("in_progress",))


@breaks(cancel.refused_cancellation_changes_nothing, at="/status")
def test_refused_cancellation_that_cancels() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("cancelling",))


@breaks(cancel.happens_only_when_asked_for, at="/status", times=1)
def test_run_that_nobody_cancelled() -> History:
    tell = Told()
    tell.looks("queued", "in_progress", "cancelled")
    return tell.history()


def _left(messages: list[Any], steps: list[Any]) -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.send("list_messages", page(message()))
    tell.send("list_run_steps", page(step("in_progress", calls=[call()])))
    tell.get_run(run("requires_action"))
    tell.send("cancel_run", run("cancelled"))
    tell.get_run(run("cancelled"))
    tell.send("list_messages", page(*messages))
    tell.send("list_run_steps", page(*steps))
    return tell.history()


@holds(cancel.leaves_what_was_there, cancel.ends_the_steps)
def test_what_a_cancelled_run_leaves() -> History:
    return _left([message()], [step("cancelled", calls=[call()])])


@breaks(cancel.leaves_what_was_there, at="/data", times=1)
def test_messages_that_are_gone() -> History:
    return _left([], [step("cancelled", calls=[call()])])


@breaks(cancel.ends_the_steps, at="/data/0/status", times=1)
def test_step_that_goes_on() -> History:
    return _left([message()], [step("in_progress", calls=[call()])])


@breaks(cancel.ends_the_steps, at="/data/0/status", times=1)
def test_step_that_is_completed_without_its_outputs() -> History:
    return _left([message()], [step("completed", calls=[call()])])


@legal
def test_second_cancellation_may_be_taken_or_not() -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.send("cancel_run", run("cancelling"))
    tell.refuse("cancel_run")
    tell.get_run(run("cancelled"))
    tell.send("cancel_run", run("cancelled"))
    tell.get_run(run("cancelled"))
    return tell.history()


def _too_late(second: str, own: bool = False) -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.create_run(run("queued", "run_b"))
    tell.get_run(run("in_progress", "run_b"))
    tell.refuse("cancel_run")
    if own:
        tell.send("cancel_run", run("cancelling", "run_b"), run_id="run_b")
    tell.get_run(run(second, "run_b"))
    return tell.history()


@holds(cancel.stops_no_other_run)
def test_cancellation_of_the_run_before() -> History:
    return _too_late("in_progress")


@holds(cancel.stops_no_other_run)
def test_cancellation_while_the_next_run_completes() -> History:
    return _too_late("completed")


@breaks(cancel.stops_no_other_run, at="/status", times=1)
def test_cancellation_that_stops_the_next_run() -> History:
    return _too_late("cancelling")


@undecided(cancel.stops_no_other_run)
def test_both_runs_are_cancelled() -> History:
    return _too_late("cancelled", own=True)
