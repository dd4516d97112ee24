"""A thread is locked while one of its runs is surely active."""

from __future__ import annotations

import pytest

from runs_conformance.evidence.request_while_locked import requests_while_locked
from runs_conformance.evidence.run_timeline import runs
from runs_conformance.evidence.thread_lock import lock_holder, was_working_throughout
from runs_conformance.evidence.thread_write import ThreadWrite, message_writes
from tests.rules.histories import RUN, HistoryBuilder, run, thread

HELLO = {"role": "user", "content": "Hello."}


def created() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    return builder


def write(*before: str, after: tuple[str, ...] = ()) -> tuple[HistoryBuilder, ThreadWrite]:
    """A refused message to a thread whose run has these statuses before and after it."""
    builder = created()
    builder.see_statuses(*before)
    builder.refuse("create_message", body=HELLO)
    for status in after:
        builder.get_run(run(status))
    return builder, message_writes(builder.history())[-1]


def test_active_run_holds_the_lock() -> None:
    builder, attempt = write("queued", "in_progress", after=("in_progress",))
    assert attempt.lock_holder is not None
    assert attempt.lock_holder.id == RUN
    locked = requests_while_locked(builder.history())
    assert attempt.exchange in [each.exchange for each in locked]


@pytest.mark.parametrize("after", [("completed",), ()])
def test_run_that_may_have_ended_does_not_hold_the_lock(after: tuple[str, ...]) -> None:
    _, attempt = write("queued", "in_progress", after=after)
    assert attempt.lock_holder is None


def test_reopened_run_does_not_hold_the_lock() -> None:
    _, attempt = write("queued", "completed", after=("in_progress",))
    assert attempt.lock_holder is None


def test_run_that_is_reopened_only_later_holds_the_lock() -> None:
    _, attempt = write("queued", "requires_action", after=("requires_action", "completed", "requires_action"))
    assert attempt.lock_holder is not None


def test_creation_of_a_run_is_not_locked_by_the_same_run() -> None:
    builder = created()
    creation = builder.create_run()
    builder.get_run(run("in_progress"))
    assert lock_holder(builder.history(), creation) is None


def test_no_request_is_locked_without_an_active_run() -> None:
    builder, _ = write("completed")
    assert requests_while_locked(builder.history()) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("in_progress", "requires_action", True), ("queued", "in_progress", False), ("in_progress", "completed", False)],
)
def test_run_was_working_throughout(before: str, after: str, expected: bool) -> None:
    builder, attempt = write("queued", before, after=(after,))
    (timeline,) = runs(builder.history())
    assert was_working_throughout(timeline, attempt.exchange) is expected


def test_run_was_not_certainly_working_beside_a_submission() -> None:
    builder = created()
    builder.see_statuses("queued", "requires_action")
    builder.lose_answer("submit_tool_outputs")
    refused = builder.refuse("create_message", body=HELLO)
    builder.get_run(run("in_progress"))
    (timeline,) = runs(builder.history())
    assert not was_working_throughout(timeline, refused)
