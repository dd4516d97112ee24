from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import ending
from tests.rules.examples import fails, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, run, streamed_message, usage
from tests.rules.streams import opening


def _ends(status: str, **changes: Any) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.get_run(run(status, **changes))
    return builder.history()


@passes(ending.completed_run_has_no_error, ending.unfinished_run_has_no_error, ending.only_incomplete_run_has_details)
def test_run_that_completes() -> History:
    return _ends("completed")


@passes(ending.reason_stays)
def test_reason_that_stays() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "incomplete", "incomplete")
    return builder.history()


@fails(ending.reason_stays, at="/incomplete_details", times=1)
def test_reason_that_changes() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "incomplete")
    builder.get_run(run("incomplete", incomplete_details={"reason": "max_prompt_tokens"}))
    return builder.history()


@passes(ending.failed_run_says_why)
def test_run_that_fails() -> History:
    return _ends("failed")


@passes(ending.incomplete_run_says_why)
def test_run_that_ends_incomplete() -> History:
    return _ends("incomplete")


@fails(ending.failed_run_says_why, at="/last_error")
def test_failure_without_reason() -> History:
    return _ends("failed", last_error=None)


@fails(ending.failed_run_says_why, at="/last_error")
def test_failure_with_a_code_of_its_own() -> History:
    return _ends("failed", last_error={"code": "OutOfMemory", "message": "x"})


@fails(ending.completed_run_has_no_error, at="/last_error")
def test_completed_with_error() -> History:
    return _ends("completed", last_error={"code": "server_error", "message": "x"})


@fails(ending.unfinished_run_has_no_error, at="/last_error")
def test_error_while_in_progress() -> History:
    return _ends("in_progress", last_error={"code": "server_error", "message": "x"})


@fails(ending.incomplete_run_says_why, at="/incomplete_details/reason")
def test_incomplete_without_reason() -> History:
    return _ends("incomplete", incomplete_details={})


@fails(ending.only_incomplete_run_has_details, at="/incomplete_details")
def test_details_of_a_completed_run() -> History:
    return _ends("completed", incomplete_details={"reason": "max_prompt_tokens"})


@permitted
def test_reason_names_another_limit() -> History:
    builder = HistoryBuilder()
    limited: dict[str, Any] = {"max_completion_tokens": 256}
    builder.create_run(run(**limited), body={"assistant_id": "asst_a", **limited})
    builder.get_run(run("incomplete", **limited, incomplete_details={"reason": "max_prompt_tokens"}))
    return builder.history()


@permitted
def test_error_of_a_cancelled_or_expired_run_is_not_stated() -> History:
    return _ends("expired", last_error={"code": "server_error", "message": "too slow"})


def _limited(status: str, used: int) -> History:
    return _ends(status, max_completion_tokens=256, usage=usage(7, used))


@passes(ending.run_over_its_limit_is_incomplete)
def test_run_that_keeps_its_limit() -> History:
    return _limited("completed", 256)


@passes(ending.run_over_its_limit_is_incomplete)
def test_run_that_passes_its_limit_and_ends_incomplete() -> History:
    return _limited("incomplete", 260)


@fails(ending.run_over_its_limit_is_incomplete, at="/usage/completion_tokens", times=1)
def test_run_that_passes_its_limit_and_completes() -> History:
    return _limited("completed", 260)


def _streamed_cut(status: str) -> History:
    builder = HistoryBuilder()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", run(status)), ("done", "[DONE]")]
    builder.send("create_run", events=[*opening(), *ends])
    return builder.history()


def _streamed_to_the_limit(status: str, used: int) -> History:
    builder = HistoryBuilder()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    end = run(status, max_completion_tokens=256, usage=usage(7, used))
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", end), ("done", "[DONE]")]
    builder.send("create_run", events=[*opening(), *ends])
    return builder.history()


@passes(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_at_its_limit_and_ends_incomplete() -> History:
    return _streamed_to_the_limit("incomplete", 256)


@fails(ending.run_cut_at_its_limit_is_incomplete, at="/events/4/data/status", times=1)
def test_run_that_is_cut_at_its_limit_and_completes() -> History:
    return _streamed_to_the_limit("completed", 256)


def test_message_truncated_below_the_limit_is_not_judged() -> None:
    assert judge(ending.run_cut_at_its_limit_is_incomplete, _streamed_to_the_limit("completed", 200)) == []


@passes(ending.cut_message_leaves_its_run_incomplete)
def test_cut_message_of_an_incomplete_run() -> History:
    return _streamed_cut("incomplete")


@fails(ending.cut_message_leaves_its_run_incomplete, at="/events/4/data/status")
def test_cut_message_of_a_completed_run() -> History:
    return _streamed_cut("completed")
