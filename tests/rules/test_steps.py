"""Steps show what a run did: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding
from runs_conformance.rules.messages import run_messages
from runs_conformance.rules.steps import step_contents, step_end
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import ASSISTANT, T0, HistoryBuilder, call, message, page, run, step, usage


def _ended(*shown: dict[str, Any], messages: tuple[dict[str, Any], ...] = (message(),)) -> History:
    """A run whose step is read in progress, and after its end in these forms; then its messages are listed."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("get_run_step", step("in_progress"))
    builder.get_run(run("completed"))
    for each in shown:
        builder.send("get_run_step", each)
    builder.send("list_run_steps", page(*shown[-1:]))
    builder.send("list_messages", page(*messages))
    return builder.history()


@passes(
    step_contents.belong_to_their_run,
    step_end.status_is_known,
    step_contents.details_fit_the_type,
    step_contents.named_messages_exist,
    step_end.ended_step_stays_ended,
    step_end.ended_step_says_when,
    step_end.open_step_has_no_end,
    step_end.stamps_of_an_ended_step_stay,
    step_end.ended_step_shows_the_same,
    step_end.usage_goes_with_the_status,
    step_end.completed_step_has_no_error,
    step_end.end_with_their_run,
    step_contents.are_younger_than_their_run,
    step_contents.are_not_lost,
)
def test_step_that_creates_a_message() -> History:
    return _ended(step(), step())


@fails(step_contents.belong_to_their_run, at="/assistant_id", times=1)
def test_step_of_another_assistant() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("get_run_step", step(assistant_id="asst_z"))
    return builder.history()


def _step_of_a_run_with_wrong_parents(**changes: Any) -> History:
    """A run that shows wrong parents, and a step that shows the right ones except for these changes."""
    builder = HistoryBuilder()
    builder.create_run(run(thread_id=None, assistant_id="asst_z"))
    builder.send("get_run_step", step(**changes))
    builder.send("list_messages", page(message(assistant_id=changes.get("assistant_id", ASSISTANT))))
    return builder.history()


@passes(step_contents.belong_to_their_run, run_messages.answer_names_its_assistant)
def test_step_with_the_parents_that_its_run_should_show() -> History:
    return _step_of_a_run_with_wrong_parents()


@fails(step_contents.belong_to_their_run, run_messages.answer_names_its_assistant)
def test_step_with_neither_the_parent_that_its_run_should_show_nor_the_one_it_shows() -> History:
    return _step_of_a_run_with_wrong_parents(assistant_id="asst_y")


@fails(step_contents.details_fit_the_type, at="/step_details/type", times=1)
def test_step_whose_details_are_of_another_type() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step(type="tool_calls", step_details={"type": "message_creation", "tool_calls": []}))
    return builder.history()


@fails(step_contents.named_messages_exist, at="/data/0/step_details/message_creation/message_id", times=1)
def test_step_that_names_no_message() -> History:
    return _ended(step(), messages=())


def _listed_after_a_message_was_sent(*listed: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hi.", "msg_u"), body={"role": "user", "content": "Hi."})
    builder.see_statuses("queued", "completed")
    builder.send("list_run_steps", page(step()))
    builder.send("list_messages", page(*listed))
    return builder.history()


@suspicious(step_contents.named_messages_exist)
def test_list_that_lacks_the_message_of_a_step_and_a_message_that_was_sent() -> History:
    return _listed_after_a_message_was_sent()


@fails(step_contents.named_messages_exist, times=1)
def test_list_that_lacks_only_the_message_of_a_step() -> History:
    return _listed_after_a_message_was_sent(message("user", "Hi.", "msg_u"))


@fails(step_contents.named_messages_exist, at="/data/0/step_details/message_creation/message_id", times=1)
def test_step_that_names_a_message_of_another_run() -> History:
    return _ended(step(), messages=(message(run_id="run_z"),))


@inconclusive(step_contents.named_messages_exist)
def test_step_whose_message_is_listed_without_an_id() -> History:
    return _ended(step(), messages=(message(id_=""),))


@passes(step_contents.named_messages_exist)
def test_message_whose_run_is_set_after_its_event() -> History:
    return _ended(step(), messages=(message(run_id=None), message()))


@fails(step_contents.named_messages_exist, at="/data/0/step_details/message_creation/message_id", times=1)
def test_message_that_never_shows_its_run() -> History:
    return _ended(step(), messages=(message(run_id=None), message(run_id=None)))


@pytest.mark.parametrize(
    ("run_id", "problem"), [(None, "of the run has no run_id"), ("run_z", "was not written by the run")]
)
def test_what_is_wrong_with_a_named_message(run_id: str | None, problem: str) -> None:
    history = _ended(step(), messages=(message(run_id=run_id),))
    findings = [each for each in judge(step_contents.named_messages_exist, history) if isinstance(each, Finding)]
    assert [finding.message for finding in findings] == [f"the message {message()['id']} {problem}"]


@fails(step_end.status_is_known, at="/status", times=1)
def test_step_that_requires_action() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step("requires_action", calls=[call()]))
    return builder.history()


@fails(step_end.ended_step_stays_ended, at="/status", times=1)
def test_step_that_ends_twice() -> History:
    return _ended(step(), step("cancelled"), step("cancelled"))


def test_finding_says_what_an_ended_step_is_now() -> None:
    (found,) = findings(step_end.ended_step_stays_ended, _ended(step(), step("in_progress")))
    assert found.message == "the step had ended 'completed', and is now 'in_progress'"


@inconclusive(step_end.ended_step_stays_ended)
def test_steps_of_two_streamed_runs_that_share_an_id_and_name_no_run() -> History:
    builder = HistoryBuilder()
    for run_id in ("run_a", "run_b"):
        shown = [(f"thread.run.step.{each}", step(each, run_id=ABSENT)) for each in ("in_progress", "completed")]
        builder.stream("create_run", ("thread.run.created", run("queued", run_id)), *shown)
    return builder.history()


@fails(step_end.ended_step_says_when, at="/completed_at")
def test_step_without_end() -> History:
    return _ended(step(completed_at=None))


@fails(step_end.open_step_has_no_end, at="/failed_at", times=1)
def test_open_step_that_failed() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step("in_progress", failed_at=T0 + 1))
    return builder.history()


@fails(step_end.stamps_of_an_ended_step_stay, at="/completed_at")
def test_end_computed_at_read_time() -> History:
    return _ended(step(), step(completed_at=T0 + 9))


@inconclusive(step_end.stamps_of_an_ended_step_stay)
def test_end_of_another_type_in_one_read() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("get_run_step", step())
    builder.send("list_run_steps", page(step(completed_at=str(T0 + 2), failed_at=ABSENT, cancelled_at=ABSENT)))
    return builder.history()


@fails(step_end.ended_step_shows_the_same, at="/step_details")
def test_step_whose_calls_change() -> History:
    return _ended(step(calls=[call(output="a")]), step(calls=[call(output="b")]))


@fails(step_end.usage_goes_with_the_status, at="/usage", times=1)
def test_usage_of_an_open_step() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step("in_progress", usage=usage()))
    return builder.history()


@fails(step_end.usage_goes_with_the_status, at="/usage")
def test_completed_step_without_usage() -> History:
    return _ended(step(usage=None))


@fails(step_end.completed_step_has_no_error, at="/last_error")
def test_completed_step_with_error() -> History:
    return _ended(step(last_error={"code": "server_error", "message": "x"}))


@fails(step_end.end_with_their_run, at="/status")
def test_step_that_never_ends() -> History:
    return _ended(step("in_progress"))


@fails(step_contents.are_younger_than_their_run, at="/created_at")
def test_step_created_before_its_run() -> History:
    return _ended(step(created_at=T0 - 5))


@fails(step_contents.are_not_lost, at="/data", times=1)
def test_step_that_is_no_longer_listed() -> History:
    return _ended(step(), step(id_="step_b"))


@suspicious(step_contents.are_not_lost)
def test_step_that_is_listed_as_one_of_another_thread() -> History:
    return _ended(step(), step(thread_id="thread_b"))


@suspicious(step_contents.are_not_lost)
def test_step_that_is_listed_without_its_id() -> History:
    return _ended(step(), step(id_=""))


@inconclusive(step_contents.are_not_lost)
def test_steps_without_ids() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_run_steps", page(step("in_progress", id_="")))
    builder.get_run(run("completed"))
    builder.send("list_run_steps", page(step(id_="")))
    return builder.history()


def _searched(content: bool, **query: str) -> History:
    builder = HistoryBuilder()
    result: dict[str, Any] = {"file_id": "file-a", "file_name": "a.txt", "score": 0.5}
    if content:
        result["content"] = [{"type": "text", "text": "found"}]
    search = {"id": "call_s", "type": "file_search", "file_search": {"results": [result]}}
    builder.send("get_run_step", step(calls=[search]), query=query)
    return builder.history()


_INCLUDE = {"include[]": "step_details.tool_calls[*].file_search.results[*].content"}


@passes(step_contents.results_show_their_content_if_asked)
def test_results_with_content() -> History:
    return _searched(True, **_INCLUDE)


@passes(step_contents.results_show_their_content_if_asked)
def test_results_without_content() -> History:
    return _searched(False)


@fails(step_contents.results_show_their_content_if_asked, times=1)
def test_results_that_always_show_their_content() -> History:
    return _searched(True)


@permitted
def test_expired_step_without_timestamp_and_stored_step_without_expiry() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "expired")
    builder.send("get_run_step", step("expired", calls=[call()]))
    builder.send("list_run_steps", page(step("expired", calls=[call()], expires_at=T0 + 600)))
    return builder.history()


@permitted
def test_step_that_names_its_message_before_there_is_one() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_messages", page())
    builder.send("get_run_step", step("in_progress"))
    return builder.history()
