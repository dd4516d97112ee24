"""A cancelled run ends as such: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.model.case import Step
from runs_conformance.model.exchange import MALFORMED, Completion
from runs_conformance.model.history import History
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Suspicion
from runs_conformance.rules.cancel import cancellable, effect, unrequested_effect
from tests.rules.examples import fails, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import ASSISTANT, HistoryBuilder, action, call, deleted, error, message, page, run, step
from tests.rules.streams import plain, resumed


def _cancelled(*before: str, answer: Any = "cancelling", after: tuple[str, ...] = ("cancelled",)) -> History:
    """A run that was seen in these statuses, then cancelled with this response (None: refused), then seen in others."""
    builder = HistoryBuilder()
    builder.see_statuses(*before)
    if answer is None:
        builder.refuse("cancel_run")
    else:
        builder.send("cancel_run", run(answer))
    for status in after:
        builder.get_run(run(status))
    return builder.history()


@passes(
    cancellable.run_in_progress_can_be_cancelled,
    effect.response_shows_the_cancellation,
    effect.comes_to_an_end,
    effect.is_carried_out,
    unrequested_effect.happens_only_when_asked_for,
)
def test_run_that_is_cancelled() -> History:
    return _cancelled("queued", "in_progress", after=("cancelling", "cancelled"))


@passes(
    cancellable.queued_or_waiting_run_can_be_cancelled,
    effect.waiting_run_ends_cancelled,
    effect.response_shows_the_cancellation,
)
def test_waiting_run_is_cancelled_immediately() -> History:
    return _cancelled("queued", "requires_action", answer="cancelled")


@fails(cancellable.run_in_progress_can_be_cancelled, times=1)
def test_run_that_cannot_be_cancelled() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("in_progress",))


@inconclusive(cancellable.run_in_progress_can_be_cancelled)
def test_run_that_ended_before_it_was_cancelled() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("completed",))


@fails(cancellable.queued_or_waiting_run_can_be_cancelled, times=1)
def test_waiting_run_that_cannot_be_cancelled() -> History:
    return _cancelled("queued", "requires_action", answer=None, after=("requires_action",))


@fails(effect.response_shows_the_cancellation, at="/status", times=1)
def test_answer_that_shows_the_run_as_it_was() -> History:
    return _cancelled("queued", "in_progress", answer="in_progress")


@fails(effect.is_carried_out, at="/status", times=1)
def test_cancellation_that_does_nothing() -> History:
    return _cancelled("queued", "in_progress", answer="in_progress", after=("in_progress", "completed"))


@fails(effect.comes_to_an_end, at="/status", times=1)
def test_run_stays_cancelling() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelling"))
    builder.wait(30)
    builder.get_run(run("cancelling"))
    return builder.history()


@inconclusive(effect.comes_to_an_end)
def test_run_whose_second_cancellation_is_carried_out() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("in_progress"))
    builder.get_run(run("in_progress"))
    builder.wait(30)
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelling"))
    return builder.history()


def _ignored(status: str, seconds: float) -> HistoryBuilder:
    """A cancellation that was accepted, and a run that is seen in this status as many seconds later."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", status)
    builder.send("cancel_run", run(status))
    builder.wait(seconds)
    builder.get_run(run(status))
    return builder


def test_a_run_that_continues_after_each_cancellation_was_observed_long_enough() -> None:
    builder = _ignored("in_progress", 1)
    assert reasons(builder) == ["the run was still 'in_progress' when it was last observed after its cancellation"]
    builder.send("cancel_run", run("in_progress"))
    builder.wait(20)
    builder.get_run(run("in_progress"))
    assert reasons(builder) == ["the run was cancelled but is 'in_progress' more than 12 s later"] * 2


def reasons(builder: HistoryBuilder) -> list[str]:
    results = judge(effect.comes_to_an_end, builder.history())
    return [each.reason for each in results if isinstance(each, Inconclusive | Suspicion)]


@inconclusive(effect.comes_to_an_end)
def test_waiting_run_that_ends_with_its_outputs_long_after_its_cancellation() -> History:
    builder = _ignored("requires_action", 20)
    builder.send("submit_tool_outputs", run("queued"))
    builder.get_run(run("completed"))
    return builder.history()


@pytest.mark.parametrize(("seconds", "result"), [(1, Inconclusive), (20, Suspicion)])
def test_accepted_cancellation_without_effect_is_no_pass(seconds: float, result: type[Inconclusive]) -> None:
    results = judge(cancellable.queued_or_waiting_run_can_be_cancelled, _ignored("requires_action", seconds).history())
    assert [type(each) for each in results] == [result]


@inconclusive(effect.comes_to_an_end)
def test_cancelled_run_that_goes_on_for_long_and_completes() -> History:
    builder = _ignored("in_progress", 20)
    builder.get_run(run("completed"))
    return builder.history()


@fails(effect.comes_to_an_end, at="/status", times=1)
def test_run_that_continues_long_after_it_was_cancelling() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.wait(20)
    builder.get_run(run("in_progress"))
    builder.get_run(run("completed"))
    return builder.history()


@inconclusive(effect.comes_to_an_end, cancellable.queued_or_waiting_run_can_be_cancelled)
def test_waiting_run_that_ends_with_its_outputs_soon_after_its_cancellation() -> History:
    builder = _ignored("requires_action", 1)
    builder.send("submit_tool_outputs", run("queued"))
    builder.get_run(run("completed"))
    return builder.history()


def test_run_that_ends_with_its_second_cancellation() -> None:
    builder = _ignored("in_progress", 1)
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    first, second = judge(effect.comes_to_an_end, builder.history())
    assert isinstance(first, Inconclusive)
    assert second == PASSED


@passes(effect.comes_to_an_end, cancellable.run_in_progress_can_be_cancelled)
def test_run_that_is_cancelled_again_while_cancelling() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelling"))
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    return builder.history()


@permitted
def test_run_that_ends_long_after_its_cancellation() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.wait(20)
    builder.get_run(run("cancelling"))
    builder.get_run(run("cancelled"))
    return builder.history()


def test_cancellation_of_an_ended_run_is_not_expected_to_end_it() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("cancel_run", run("completed"))
    builder.get_run(run("completed"))
    assert judge(effect.comes_to_an_end, builder.history()) == []


@inconclusive(effect.waiting_run_ends_cancelled)
def test_cancelled_run_accepts_outputs_and_completes() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("cancel_run", run("requires_action"))
    builder.send("submit_tool_outputs", run("in_progress"))
    builder.get_run(run("completed"))
    return builder.history()


@passes(effect.waiting_run_ends_cancelled)
def test_cancelled_run_that_was_once_listed_as_completed() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_runs", page(run("completed")))
    builder.get_run(run("requires_action"))
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    return builder.history()


@fails(effect.waiting_run_ends_cancelled, at="/status", times=1)
def test_waiting_run_that_completes_when_cancelled() -> History:
    return _cancelled("queued", "requires_action", after=("completed",))


@passes(cancellable.ended_run_cannot_be_cancelled)
def test_cancelling_a_completed_run() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.refuse("cancel_run", text="Cannot cancel run with status 'completed'.")
    return builder.history()


@passes(cancellable.ended_run_cannot_be_cancelled)
def test_cancelling_a_completed_run_where_the_refusal_is_not_in_english() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.refuse("cancel_run", text="Der Lauf ist schon completed.")
    return builder.history()


@passes(cancellable.ended_run_cannot_be_cancelled)
def test_cancelling_a_completed_run_where_another_is_cancelled() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.refuse("cancel_run")
    builder.create_run(run(id_="run_b"))
    builder.send("cancel_run", run("cancelled", "run_b"), run_id="run_b")
    return builder.history()


@inconclusive(cancellable.ended_run_cannot_be_cancelled)
def test_cancelling_a_completed_run_where_none_is_ever_cancelled() -> History:
    return _cancelled("queued", "completed", answer=None, after=("completed",))


@fails(cancellable.ended_run_cannot_be_cancelled, times=1)
def test_cancelling_a_completed_run_with_success() -> History:
    return _cancelled("queued", "completed", answer="completed", after=("completed",))


@fails(cancellable.ended_run_cannot_be_cancelled, times=1)
def test_cancelling_a_cancelled_run_with_success() -> History:
    return _cancelled("queued", "cancelled", answer="cancelled", after=("cancelled",))


@passes(cancellable.refused_cancellation_changes_nothing)
def test_refused_cancellation() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("in_progress",))


@fails(cancellable.refused_cancellation_changes_nothing, at="/status")
def test_refused_cancellation_that_cancels() -> History:
    return _cancelled("queued", "in_progress", answer=None, after=("cancelling",))


@fails(cancellable.refused_cancellation_changes_nothing, at="/status")
def test_refused_cancellation_that_cancels_before_the_thread_is_deleted() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run")
    builder.get_run(run("cancelled"))
    builder.send("delete_thread", deleted("thread_a", "thread"))
    return builder.history()


def test_run_that_is_stopped_by_the_deletion_of_its_thread() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run")
    builder.send("delete_thread", deleted("thread_a", "thread"))
    builder.get_run(run("cancelled"))
    assert not judge(cancellable.refused_cancellation_changes_nothing, builder.history())


@fails(cancellable.refused_cancellation_changes_nothing, at="/status", times=1)
def test_cancellation_that_is_refused_after_an_attempt_with_429() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("cancel_run", 429)
    builder.refuse("cancel_run")
    builder.get_run(run("cancelling"))
    return builder.history()


def _left_stream(*statuses: str) -> History:
    """A run whose client closes the stream, and that is read with these statuses afterwards."""
    builder = HistoryBuilder()
    leaving = Step(operation="create_run", stream=True, leave_at_event="thread.message.delta")
    body = {"assistant_id": ASSISTANT, "stream": True}
    builder.send("create_run", events=plain()[:8], body=body, step=leaving)
    for status in statuses:
        builder.get_run(run(status))
    return builder.history()


@passes(unrequested_effect.closing_a_stream_cancels_nothing)
def test_run_goes_on_when_its_client_leaves() -> History:
    return _left_stream("in_progress", "completed")


@fails(unrequested_effect.closing_a_stream_cancels_nothing, at="/status", times=1)
def test_run_is_cancelled_when_its_client_leaves() -> History:
    return _left_stream("cancelling", "cancelled")


@fails(unrequested_effect.closing_a_stream_cancels_nothing, at="/status", times=1)
def test_run_is_cancelled_when_its_client_cannot_read_on() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    left = builder.send("submit_tool_outputs", events=resumed()[:8], completion=Completion.UNKNOWN)
    builder.exchanges[-1] = replace(left, problem=f"{MALFORMED}: malformed chunk footer")
    builder.get_run(run("cancelled"))
    return builder.history()


@permitted
def test_run_is_cancelled_by_request_after_its_client_left() -> History:
    builder = HistoryBuilder()
    history = _left_stream("in_progress")
    builder.exchanges, builder.clock = list(history), max(each.ended for each in history)
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    return builder.history()


@inconclusive(unrequested_effect.closing_a_stream_cancels_nothing)
def test_run_that_its_client_left_is_not_seen_to_end() -> History:
    return _left_stream("in_progress", "in_progress")


@fails(unrequested_effect.happens_only_when_asked_for, at="/status", times=1)
def test_run_is_cancelled_without_a_request() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "cancelled")
    return builder.history()


@pytest.mark.parametrize(
    ("history", "is_needed_part"),
    [
        (_cancelled("queued", "requires_action", answer=None, after=("requires_action",)), True),
        (_cancelled("queued", "requires_action", answer="cancelled"), False),
        (_cancelled("queued", "completed", answer=None, after=("completed",)), False),
    ],
)
def test_evidence_needs_a_read_after_a_refused_cancellation(history: History, is_needed_part: bool) -> None:
    rule = unrequested_effect.happens_only_when_asked_for
    parts = {result.part for result in judge(rule, history) if isinstance(result, Passed)}
    assert parts - {""} == ({part for part, *_ in rule.needs_parts} if is_needed_part else set())


@fails(unrequested_effect.happens_only_when_asked_for, at="/status", times=1)
def test_run_is_cancelled_by_a_refused_request() -> History:
    return _cancelled("queued", "requires_action", answer=None, after=("cancelled",))


def _left(messages: list[Any], steps: list[Any], *, deletes_message: bool = False) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_messages", page(message()))
    builder.send("list_run_steps", page(step("in_progress", calls=[call()])))
    builder.get_run(run("requires_action"))
    builder.send("cancel_run", run("cancelled"))
    builder.get_run(run("cancelled"))
    if deletes_message:
        builder.send("delete_message", deleted(message()["id"]))
    builder.send("list_messages", page(*messages))
    builder.send("list_run_steps", page(*steps))
    return builder.history()


@passes(effect.leaves_what_was_there, effect.ends_the_steps)
def test_cancelled_run_keeps_messages_and_steps() -> History:
    return _left([message()], [step("cancelled", calls=[call()])])


@fails(effect.leaves_what_was_there, at="/data", times=1)
def test_messages_disappear() -> History:
    return _left([], [step("cancelled", calls=[call()])])


@suspicious(effect.leaves_what_was_there)
def test_messages_and_steps_are_listed_as_those_of_another_thread() -> History:
    return _left([message(thread_id="thread_b")], [step("cancelled", calls=[call()], thread_id="thread_b")])


@passes(effect.leaves_what_was_there)
def test_a_client_deletes_the_message_of_a_cancelled_run() -> History:
    return _left([], [step("cancelled", calls=[call()])], deletes_message=True)


@fails(effect.ends_the_steps, at="/data/0/status", times=1)
def test_step_continues() -> History:
    return _left([message()], [step("in_progress", calls=[call()])])


@inconclusive(effect.ends_the_steps)
def test_step_of_an_unknown_status() -> History:
    return _left([message()], [{**step("cancelled", calls=[call()]), "status": "canceled"}])


@fails(effect.ends_the_steps, at="/data/0/status", times=1)
def test_step_that_is_completed_without_its_outputs() -> History:
    return _left([message()], [step("completed", calls=[call()])])


@passes(effect.ends_the_steps)
def test_step_whose_outputs_had_come() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    sent = {"tool_outputs": [{"tool_call_id": call()["id"], "output": "sunny"}]}
    builder.send("submit_tool_outputs", run("queued", required_action=action()), body=sent)
    builder.send("cancel_run", run("cancelled"))
    builder.get_run(run("cancelled"))
    builder.send("list_run_steps", page(step("completed", calls=[call(output="sunny")])))
    return builder.history()


@permitted
def test_second_cancellation_is_accepted_or_refused() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("cancel_run", run("cancelling"))
    builder.refuse("cancel_run")
    builder.get_run(run("cancelled"))
    builder.send("cancel_run", run("cancelled"))
    builder.get_run(run("cancelled"))
    return builder.history()


def _too_late(second: str, own: bool = False, works: bool = True) -> History:
    builder = HistoryBuilder()
    if works:
        builder.create_run(run("queued", "run_z"))
        builder.send("cancel_run", run("cancelling", "run_z"), run_id="run_z")
        builder.get_run(run("cancelled", "run_z"))
    builder.see_statuses("queued", "completed")
    builder.create_run(run("queued", "run_b"))
    builder.get_run(run("in_progress", "run_b"))
    builder.refuse("cancel_run")
    if own:
        builder.send("cancel_run", run("cancelling", "run_b"), run_id="run_b")
    builder.get_run(run(second, "run_b"))
    return builder.history()


@passes(unrequested_effect.stops_no_other_run)
def test_cancellation_of_the_run_before() -> History:
    return _too_late("in_progress")


@passes(unrequested_effect.stops_no_other_run)
def test_cancellation_while_the_next_run_completes() -> History:
    return _too_late("completed")


@inconclusive(unrequested_effect.stops_no_other_run)
def test_run_that_a_second_run_may_have_replaced() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.create_run(run("queued", "run_z"))
    builder.send("cancel_run", run("cancelling", "run_z"), run_id="run_z")
    builder.get_run(run("cancelled"))
    return builder.history()


@fails(unrequested_effect.stops_no_other_run, at="/status", times=1)
def test_cancellation_that_stops_the_next_run() -> History:
    return _too_late("cancelling")


@inconclusive(unrequested_effect.stops_no_other_run)
def test_server_that_accepts_no_cancellation() -> History:
    return _too_late("in_progress", works=False)


@inconclusive(unrequested_effect.stops_no_other_run)
def test_both_runs_are_cancelled() -> History:
    return _too_late("cancelled", own=True)


def _declared(status: int, undeclared: int | None) -> History:
    """A cancellation whose missing body is declared as JSON and, if asked for, one that declares nothing."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    for each, headers in ((status, {"Content-Type": "application/json"}), (undeclared, {})):
        if each is not None:
            answer = run("cancelling") if each == 200 else error("Expecting value: line 1 column 1 (char 0)")
            builder.send("cancel_run", answer, each, headers=headers, step=Step(operation="cancel_run"))
    builder.get_run(run("in_progress" if undeclared == 400 else "cancelled"))
    return builder.history()


@passes(cancellable.content_type_of_no_body_is_ignored)
def test_missing_body_declared_as_json_is_accepted() -> History:
    return _declared(200, None)


@fails(cancellable.content_type_of_no_body_is_ignored, times=1)
def test_missing_body_declared_as_json_is_parsed() -> History:
    return _declared(400, 200)


@inconclusive(cancellable.content_type_of_no_body_is_ignored)
def test_no_form_of_a_cancellation_is_accepted() -> History:
    return _declared(400, 400)


@permitted
def test_an_ended_run_is_not_cancelled_in_any_form() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "completed")
    headers = {"Content-Type": "application/json"}
    builder.send("cancel_run", error("Ended."), 400, headers=headers, step=Step(operation="cancel_run"))
    return builder.history()


def _refused_before_it_changed(text: str, status: int = 400, later: str = "queued") -> History:
    """The cancellation of a queued run with a content type is refused, and one without it accepted, in this status."""
    builder = HistoryBuilder()
    builder.see_statuses("queued")
    own = Step(operation="cancel_run")
    builder.refuse("cancel_run", status, text, headers={"Content-Type": "application/json"}, step=own)
    builder.get_run(run(later))
    builder.send("cancel_run", run("cancelling"), step=own)
    builder.get_run(run("cancelled"))
    return builder.history()


@inconclusive(cancellable.content_type_of_no_body_is_ignored)
def test_refusal_for_the_status_says_nothing_of_the_content_type() -> History:
    return _refused_before_it_changed("Cannot cancel run with status 'queued'.")


@inconclusive(cancellable.content_type_of_no_body_is_ignored)
def test_run_that_is_found_only_later() -> History:
    return _refused_before_it_changed("No run found.", 404)


@inconclusive(cancellable.content_type_of_no_body_is_ignored)
def test_run_that_can_be_cancelled_once_it_works() -> History:
    return _refused_before_it_changed("Not yet.", later="in_progress")


@fails(cancellable.content_type_of_no_body_is_ignored, times=1)
def test_missing_body_is_parsed_while_the_run_is_queued() -> History:
    return _refused_before_it_changed("Expecting value: line 1 column 1 (char 0)")
