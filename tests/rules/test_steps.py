from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import steps
from tests.rules.examples import breaks, holds, legal
from tests.rules.histories import T0, Told, call, message, page, run, step, usage


def _ended(*shown: dict[str, Any], messages: tuple[dict[str, Any], ...] = (message(),)) -> History:
    """A run whose step is seen at work, and after its end in these forms; then its messages are listed."""
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.send("get_run_step", step("in_progress"))
    tell.get_run(run("completed"))
    for each in shown:
        tell.send("get_run_step", each)
    tell.send("list_run_steps", page(*shown[-1:]))
    tell.send("list_messages", page(*messages))
    return tell.history()


@holds(
    steps.belong_to_their_run,
    steps.status_is_known,
    steps.details_fit_the_type,
    steps.named_messages_exist,
    steps.ended_step_stays_ended,
    steps.ended_step_says_when,
    steps.open_step_has_no_end,
    steps.stamps_of_an_ended_step_stay,
    steps.ended_step_shows_the_same,
    steps.usage_goes_with_the_status,
    steps.completed_step_has_no_error,
    steps.end_with_their_run,
    steps.are_younger_than_their_run,
    steps.are_not_lost,
)
def test_step_that_creates_a_message() -> History:
    return _ended(step(), step())


@breaks(steps.belong_to_their_run, at="/assistant_id", times=1)
def test_step_of_another_assistant() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.send("get_run_step", step(assistant_id="asst_z"))
    return tell.history()


@breaks(steps.details_fit_the_type, at="/step_details/type", times=1)
def test_step_whose_details_are_of_another_type() -> History:
    tell = Told()
    tell.send("get_run_step", step(type="tool_calls", step_details={"type": "message_creation", "tool_calls": []}))
    return tell.history()


@breaks(steps.named_messages_exist, at="/data/0/step_details/message_creation/message_id", times=1)
def test_step_that_names_no_message() -> History:
    return _ended(step(), messages=())


@breaks(steps.named_messages_exist, at="/data/0/step_details/message_creation/message_id", times=1)
def test_step_that_names_a_message_of_another_run() -> History:
    return _ended(step(), messages=(message(run_id="run_z"),))


@breaks(steps.status_is_known, at="/status", times=1)
def test_step_that_requires_action() -> History:
    tell = Told()
    tell.send("get_run_step", step("requires_action", calls=[call()]))
    return tell.history()


@breaks(steps.ended_step_stays_ended, at="/status", times=1)
def test_step_that_ends_twice() -> History:
    return _ended(step(), step("cancelled"), step("cancelled"))


@breaks(steps.ended_step_says_when, at="/completed_at")
def test_step_without_end() -> History:
    return _ended(step(completed_at=None))


@breaks(steps.open_step_has_no_end, at="/failed_at", times=1)
def test_open_step_that_failed() -> History:
    tell = Told()
    tell.send("get_run_step", step("in_progress", failed_at=T0 + 1))
    return tell.history()


@breaks(steps.stamps_of_an_ended_step_stay, at="/completed_at")
def test_end_that_is_the_time_of_the_look() -> History:
    return _ended(step(), step(completed_at=T0 + 9))


@breaks(steps.ended_step_shows_the_same, at="/step_details")
def test_step_whose_calls_change() -> History:
    return _ended(step(calls=[call(output="a")]), step(calls=[call(output="b")]))


@breaks(steps.usage_goes_with_the_status, at="/usage", times=1)
def test_usage_of_an_open_step() -> History:
    tell = Told()
    tell.send("get_run_step", step("in_progress", usage=usage()))
    return tell.history()


@breaks(steps.usage_goes_with_the_status, at="/usage")
def test_completed_step_without_usage() -> History:
    return _ended(step(usage=None))


@breaks(steps.completed_step_has_no_error, at="/last_error")
def test_completed_step_with_error() -> History:
    return _ended(step(last_error={"code": "server_error", "message": "x"}))


@breaks(steps.end_with_their_run, at="/status")
def test_step_that_never_ends() -> History:
    return _ended(step("in_progress"))


@breaks(steps.are_younger_than_their_run, at="/created_at")
def test_step_that_is_older_than_its_run() -> History:
    return _ended(step(created_at=T0 - 5))


@breaks(steps.are_not_lost, at="/data", times=1)
def test_step_that_is_no_longer_listed() -> History:
    return _ended(step(), step(id_="step_b"))


def _searched(content: bool, **query: str) -> History:
    tell = Told()
    result: dict[str, Any] = {"file_id": "file-a", "file_name": "a.txt", "score": 0.5}
    if content:
        result["content"] = [{"type": "text", "text": "found"}]
    search = {"id": "call_s", "type": "file_search", "file_search": {"results": [result]}}
    tell.send("get_run_step", step(calls=[search]), query=query)
    return tell.history()


_INCLUDE = {"include[]": "step_details.tool_calls[*].file_search.results[*].content"}


@holds(steps.results_show_their_content_if_asked)
def test_results_with_content() -> History:
    return _searched(True, **_INCLUDE)


@holds(steps.results_show_their_content_if_asked)
def test_results_without_content() -> History:
    return _searched(False)


@breaks(steps.results_show_their_content_if_asked, times=1)
def test_results_that_always_show_their_content() -> History:
    return _searched(True)


@legal
def test_expired_step_without_stamp_and_stored_step_without_expiry() -> History:
    tell = Told()
    tell.looks("queued", "expired")
    tell.send("get_run_step", step("expired", calls=[call()]))
    tell.send("list_run_steps", page(step("expired", calls=[call()], expires_at=T0 + 600)))
    return tell.history()


@legal
def test_step_that_names_its_message_before_there_is_one() -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.send("list_messages", page())
    tell.send("get_run_step", step("in_progress"))
    return tell.history()
