from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import ending
from tests.rules.examples import breaks, holds, judge, legal
from tests.rules.histories import Told, run, streamed_message, usage
from tests.rules.streams import opening


def _ends(status: str, **changes: Any) -> History:
    tell = Told()
    tell.looks("queued", "in_progress")
    tell.get_run(run(status, **changes))
    return tell.history()


@holds(ending.completed_run_has_no_error, ending.unfinished_run_has_no_error, ending.only_incomplete_run_has_details)
def test_run_that_completes() -> History:
    return _ends("completed")


@holds(ending.reason_stays)
def test_reason_that_stays() -> History:
    tell = Told()
    tell.looks("queued", "incomplete", "incomplete")
    return tell.history()


@breaks(ending.reason_stays, at="/incomplete_details", times=1)
def test_reason_that_changes() -> History:
    tell = Told()
    tell.looks("queued", "incomplete")
    tell.get_run(run("incomplete", incomplete_details={"reason": "max_prompt_tokens"}))
    return tell.history()


@holds(ending.failed_run_says_why)
def test_run_that_fails() -> History:
    return _ends("failed")


@holds(ending.incomplete_run_says_why)
def test_run_that_ends_incomplete() -> History:
    return _ends("incomplete")


@breaks(ending.failed_run_says_why, at="/last_error")
def test_failure_without_reason() -> History:
    return _ends("failed", last_error=None)


@breaks(ending.failed_run_says_why, at="/last_error")
def test_failure_with_a_code_of_its_own() -> History:
    return _ends("failed", last_error={"code": "OutOfMemory", "message": "x"})


@breaks(ending.completed_run_has_no_error, at="/last_error")
def test_completed_with_error() -> History:
    return _ends("completed", last_error={"code": "server_error", "message": "x"})


@breaks(ending.unfinished_run_has_no_error, at="/last_error")
def test_error_while_in_progress() -> History:
    return _ends("in_progress", last_error={"code": "server_error", "message": "x"})


@breaks(ending.incomplete_run_says_why, at="/incomplete_details/reason")
def test_incomplete_without_reason() -> History:
    return _ends("incomplete", incomplete_details={})


@breaks(ending.only_incomplete_run_has_details, at="/incomplete_details")
def test_details_of_a_completed_run() -> History:
    return _ends("completed", incomplete_details={"reason": "max_prompt_tokens"})


@legal
def test_reason_need_not_name_the_limit_that_was_given() -> History:
    tell = Told()
    limited: dict[str, Any] = {"max_completion_tokens": 256}
    tell.create_run(run(**limited), body={"assistant_id": "asst_a", **limited})
    tell.get_run(run("incomplete", **limited, incomplete_details={"reason": "max_prompt_tokens"}))
    return tell.history()


@legal
def test_error_of_a_cancelled_or_expired_run_is_not_stated() -> History:
    return _ends("expired", last_error={"code": "server_error", "message": "too slow"})


def _limited(status: str, used: int) -> History:
    return _ends(status, max_completion_tokens=256, usage=usage(7, used))


@holds(ending.run_over_its_limit_is_incomplete)
def test_run_that_keeps_its_limit() -> History:
    return _limited("completed", 256)


@holds(ending.run_over_its_limit_is_incomplete)
def test_run_that_passes_its_limit_and_ends_incomplete() -> History:
    return _limited("incomplete", 260)


@breaks(ending.run_over_its_limit_is_incomplete, at="/usage/completion_tokens", times=1)
def test_run_that_passes_its_limit_and_completes() -> History:
    return _limited("completed", 260)


def _streamed_cut(status: str) -> History:
    tell = Told()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", run(status)), ("done", "[DONE]")]
    tell.send("create_run", events=[*opening(), *ends])
    return tell.history()


def _streamed_to_the_limit(status: str, used: int) -> History:
    tell = Told()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    end = run(status, max_completion_tokens=256, usage=usage(7, used))
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", end), ("done", "[DONE]")]
    tell.send("create_run", events=[*opening(), *ends])
    return tell.history()


@holds(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_at_its_limit_and_ends_incomplete() -> History:
    return _streamed_to_the_limit("incomplete", 256)


@breaks(ending.run_cut_at_its_limit_is_incomplete, at="/events/4/data/status", times=1)
def test_run_that_is_cut_at_its_limit_and_completes() -> History:
    return _streamed_to_the_limit("completed", 256)


def test_a_message_cut_short_of_the_limit_says_nothing_of_it() -> None:
    assert judge(ending.run_cut_at_its_limit_is_incomplete, _streamed_to_the_limit("completed", 200)) == []


@holds(ending.cut_message_leaves_its_run_incomplete)
def test_cut_message_of_an_incomplete_run() -> History:
    return _streamed_cut("incomplete")


@breaks(ending.cut_message_leaves_its_run_incomplete, at="/events/4/data/status")
def test_cut_message_of_a_completed_run() -> History:
    return _streamed_cut("completed")
