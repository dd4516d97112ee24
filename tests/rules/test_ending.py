"""A run says how it ended: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.rules import ending
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, call, function_tool, page, run, step, streamed_message, usage
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


def _fails_on_azure(problem: object) -> History:
    builder = HistoryBuilder("azure")
    builder.get_run(run("failed", last_error=problem))
    return builder.history()


@passes(ending.failed_run_says_why)
def test_azure_fails_runs_for_their_tools() -> History:
    return _fails_on_azure({"code": "tool_user_error", "message": "x"})


@fails(ending.failed_run_says_why, at="/last_error", times=1)
def test_azure_fails_runs_with_a_code() -> History:
    return _fails_on_azure({"code": "", "message": "x"})


@fails(ending.failed_run_says_why, at="/last_error", times=1)
def test_azure_fails_runs_with_a_message() -> History:
    return _fails_on_azure({"code": "tool_user_error"})


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


def _limited_and_counted(used: int, *in_steps: int, other: bool = False) -> History:
    """A completed run that shows more tokens than its limit, and the steps of this run, or of another one before it."""
    builder = HistoryBuilder()
    limited: dict[str, Any] = {"max_completion_tokens": 256}
    first: dict[str, Any] = {} if other else limited
    builder.create_run(run("queued", **first))
    builder.get_run(run("completed", **first, usage=usage(7, 100 if other else used)))
    steps = [step(id_=f"step_{n}", usage=usage(7, each)) for n, each in enumerate(in_steps)]
    builder.send("list_run_steps", page(*steps))
    if other:
        builder.create_run(run("queued", "run_b", **limited))
        builder.get_run(run("completed", "run_b", **limited, usage=usage(7, used)))
    return builder.history()


@fails(ending.run_over_its_limit_is_incomplete, at="/usage/completion_tokens", times=1)
def test_run_that_passes_its_limit_as_its_steps_confirm() -> History:
    return _limited_and_counted(260, 200, 60)


@inconclusive(ending.run_over_its_limit_is_incomplete)
def test_run_that_shows_more_than_its_steps_used() -> History:
    return _limited_and_counted(1650, 33)


@inconclusive(ending.run_over_its_limit_is_incomplete)
def test_run_after_another_that_shows_more_than_its_steps_used() -> History:
    return _limited_and_counted(260, 60, other=True)


@fails(ending.run_over_its_limit_is_incomplete, at="/usage/completion_tokens", times=1)
def test_run_after_another_that_shows_what_its_steps_used() -> History:
    return _limited_and_counted(260, 100, other=True)


def _streamed_cut(status: str) -> History:
    builder = HistoryBuilder()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", run(status)), ("done", "[DONE]")]
    builder.send("create_run", events=[*opening(), *ends])
    return builder.history()


def _streamed_to_the_limit(
    status: str, used: int | None, read_later: int | None = None, *, reason: str = "max_tokens", body: Any = ABSENT
) -> History:
    builder = HistoryBuilder()
    message = streamed_message("incomplete", incomplete_details={"reason": reason})
    end = run(status, max_completion_tokens=256, usage=None if used is None else usage(7, used))
    ends = [("thread.message.incomplete", message), (f"thread.run.{status}", end), ("done", "[DONE]")]
    builder.send("create_run", events=[*opening(), *ends], body=body)
    if read_later is not None:
        builder.get_run({**end, "usage": usage(7, read_later)})
    return builder.history()


@passes(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_at_its_limit_and_ends_incomplete() -> History:
    return _streamed_to_the_limit("incomplete", 256)


@fails(ending.run_cut_at_its_limit_is_incomplete, at="/events/4/data/status", times=1)
def test_run_that_is_cut_at_its_limit_and_completes() -> History:
    return _streamed_to_the_limit("completed", 256)


@fails(ending.run_cut_at_its_limit_is_incomplete, times=1)
def test_run_that_is_cut_at_its_limit_and_completes_before_its_tokens_are_counted() -> History:
    return _streamed_to_the_limit("completed", 0, read_later=256)


@passes(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_at_its_limit_before_its_tokens_are_counted() -> History:
    return _streamed_to_the_limit("incomplete", 0, read_later=256)


@fails(ending.run_cut_at_its_limit_is_incomplete, times=1)
def test_run_that_is_cut_at_its_limit_and_is_read_later_without_its_tokens() -> History:
    return _streamed_to_the_limit("completed", 256, read_later=0)


@passes(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_and_ends_incomplete_without_usage() -> History:
    return _streamed_to_the_limit("incomplete", None)


@inconclusive(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_and_completes_without_usage() -> History:
    return _streamed_to_the_limit("completed", None)


_LIMITED = {"assistant_id": "asst_a", "max_completion_tokens": 256, "stream": True}


@fails(ending.run_cut_at_its_limit_is_incomplete, ending.cut_message_leaves_its_run_incomplete, times=1)
def test_completed_run_whose_message_gives_an_unknown_reason() -> History:
    return _streamed_to_the_limit("completed", 256, reason="max_completion_tokens", body=_LIMITED)


def test_message_that_is_incomplete_for_an_unknown_or_another_reason_is_not_judged() -> None:
    for reason, body in (("shortened", ABSENT), ("run_failed", _LIMITED), ("content_filter", _LIMITED)):
        history = _streamed_to_the_limit("completed", 256, reason=reason, body=body)
        assert judge(ending.run_cut_at_its_limit_is_incomplete, history) == []


def test_message_truncated_below_the_limit_is_not_judged() -> None:
    assert judge(ending.run_cut_at_its_limit_is_incomplete, _streamed_to_the_limit("completed", 200)) == []


@inconclusive(ending.run_cut_at_its_limit_is_incomplete)
def test_run_that_is_cut_and_shows_more_than_its_steps_used() -> History:
    builder = HistoryBuilder()
    message = streamed_message("incomplete", incomplete_details={"reason": "max_tokens"})
    end = run("completed", max_completion_tokens=256, usage=usage(7, 300))
    ends = [("thread.message.incomplete", message), ("thread.run.completed", end), ("done", "[DONE]")]
    builder.send("create_run", events=[*opening(), *ends])
    builder.send("list_run_steps", page(step(usage=usage(7, 16))))
    return builder.history()


def _streamed_message_of_a_cut_run(
    status: str, *between: tuple[str, Any], body: Any = ABSENT, **changes: Any
) -> History:
    """The stream of a run that ends incomplete and creates one message, which ends in a status."""
    builder = HistoryBuilder()
    events = [
        *opening(),
        ("thread.run.step.created", step("in_progress")),
        (f"thread.message.{status}", streamed_message(status)),
        *between,
        ("thread.run.incomplete", run("incomplete", **changes)),
        ("done", "[DONE]"),
    ]
    builder.send("create_run", events=events, body=body)
    return builder.history()


@passes(ending.message_cut_by_the_limit_is_incomplete)
def test_message_cut_by_the_limit() -> History:
    return _streamed_message_of_a_cut_run("incomplete")


@fails(ending.message_cut_by_the_limit_is_incomplete, at="/events/4/data/status", times=1)
def test_completed_message_of_a_cut_run() -> History:
    return _streamed_message_of_a_cut_run("completed")


@inconclusive(ending.message_cut_by_the_limit_is_incomplete)
def test_completed_message_before_a_tool_call_that_was_cut() -> History:
    calls = step("in_progress", "step_b", calls=(call(),))
    return _streamed_message_of_a_cut_run("completed", ("thread.run.step.created", calls))


def _cut_for_another_reason(reason: str, **body: Any) -> History:
    """A completed message of a run with this reason in its `incomplete_details`."""
    return _streamed_message_of_a_cut_run("completed", body=body, incomplete_details={"reason": reason})


@fails(ending.message_cut_by_the_limit_is_incomplete, at="/events/4/data/status", times=1)
def test_completed_message_of_a_run_that_is_cut_for_an_unknown_reason() -> History:
    return _cut_for_another_reason("max_tokens", max_completion_tokens=256)


@inconclusive(ending.message_cut_by_the_limit_is_incomplete)
def test_completed_message_of_a_run_without_a_limit() -> History:
    return _cut_for_another_reason("max_tokens")


@inconclusive(ending.message_cut_by_the_limit_is_incomplete)
def test_completed_message_of_a_run_that_a_filter_ended() -> History:
    return _cut_for_another_reason("content_filter", max_completion_tokens=256)


@inconclusive(ending.message_cut_by_the_limit_is_incomplete)
def test_completed_message_of_a_run_with_tools() -> History:
    return _streamed_message_of_a_cut_run("completed", tools=[function_tool()])


@passes(ending.cut_message_leaves_its_run_incomplete)
def test_cut_message_of_an_incomplete_run() -> History:
    return _streamed_cut("incomplete")


@fails(ending.cut_message_leaves_its_run_incomplete, at="/events/4/data/status")
def test_cut_message_of_a_completed_run() -> History:
    return _streamed_cut("completed")
