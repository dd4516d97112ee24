"""A write to a thread is judged by the run that may hold its lock."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.thread_write import ThreadWrite, message_writes, run_writes, thread_writes
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from tests.rules.histories import RUN, HistoryBuilder, message, run, thread

HELLO = {"role": "user", "content": "Hello."}


def created() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    return builder


def write(*before: str, after: tuple[str, ...] = (), body: Any = HELLO) -> tuple[HistoryBuilder, ThreadWrite]:
    """A refused message to a thread whose run has these statuses before and after it."""
    builder = created()
    builder.see_statuses(*before)
    builder.refuse("create_message", body=body)
    for status in after:
        builder.get_run(run(status))
    return builder, message_writes(builder.history())[-1]


@pytest.mark.parametrize("role", [Role.ACT, None])
def test_displaced_run(role: Role | None) -> None:
    builder = created()
    builder.see_statuses("queued", "in_progress")
    # Traffic without a step was recorded, and may lack the request to cancel the run.
    builder.refuse("create_message", body=HELLO, step=Step(operation="create_message", role=role) if role else None)
    builder.get_run(run("cancelled"))
    (attempt,) = message_writes(builder.history())
    assert (attempt.displaced_run is not None) == (role is not None)


def test_run_that_a_client_cancelled_is_not_displaced() -> None:
    builder = created()
    builder.see_statuses("queued", "in_progress")
    builder.refuse("create_message", body=HELLO, step=Step(operation="create_message", role=Role.ACT))
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    (attempt,) = message_writes(builder.history())
    assert attempt.displaced_run is None


def test_last_ended_run() -> None:
    _, attempt = write("queued", "completed")
    assert attempt.last_ended_run is not None
    _, attempt = write("queued", "in_progress")
    assert attempt.last_ended_run is None


def test_run_of_unknown_outcome_may_hold_the_lock() -> None:
    builder = created()
    builder.see_statuses("queued", "completed")
    builder.lose_answer("create_run")
    builder.refuse("create_message", body=HELLO)
    (attempt,) = message_writes(builder.history())
    assert attempt.last_ended_run is None


def test_active_run_on_another_thread() -> None:
    builder = created()
    other = run("in_progress", "run_b", thread_id="thread_b")
    builder.create_run(other, thread_id="thread_b")
    builder.refuse("create_message", body=HELLO)
    builder.get_run(other, thread_id="thread_b")
    (attempt,) = message_writes(builder.history())
    assert attempt.active_run_on_other_thread is not None
    assert attempt.active_run_on_other_thread.id == "run_b"


def test_other_threads_do_not_matter_beside_an_active_run() -> None:
    _, attempt = write("queued", "in_progress", after=("in_progress",))
    assert attempt.active_run_on_other_thread is None


def test_refused_run() -> None:
    builder = created()
    refused = builder.refuse("create_run", body={"assistant_id": "asst_x"})
    builder.refuse("create_message", body=HELLO)
    (attempt,) = message_writes(builder.history())
    assert attempt.refused_run is refused


def after_ended_run(*, taken_between: bool, taken_after: bool) -> tuple[Exchange, ThreadWrite]:
    """A run that is refused after another had ended, and the message after it."""
    builder = created()
    builder.see_statuses("queued", "completed")
    if taken_between:
        builder.send("create_message", message("user"), body=HELLO)
    refused = builder.refuse("create_run", body={"assistant_id": "asst_x"})
    if taken_after:
        builder.send("create_message", message("user"), body=HELLO)
    else:
        builder.refuse("create_message", body=HELLO)
    return refused, message_writes(builder.history())[-1]


def test_refused_run_after_an_ended_one() -> None:
    refused, attempt = after_ended_run(taken_between=False, taken_after=True)
    assert attempt.refused_run is refused
    refused, attempt = after_ended_run(taken_between=True, taken_after=False)
    assert attempt.refused_run is refused


def test_lock_of_an_ended_run_may_be_the_reason_of_a_refusal() -> None:
    _, attempt = after_ended_run(taken_between=False, taken_after=False)
    assert attempt.refused_run is None


def test_run_refused_while_another_was_active() -> None:
    builder = created()
    builder.see_statuses("queued")
    builder.refuse("create_run", body={"assistant_id": "asst_x"})
    builder.get_run(run("completed"))
    builder.send("create_message", message("user"), body=HELLO)
    assert message_writes(builder.history())[-1].refused_run is None


def test_thread_with_an_accepted_run_has_no_refused_run() -> None:
    _, attempt = write("queued", "completed")
    assert attempt.refused_run is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (HELLO, True),
        ({"role": "assistant", "content": "Hello."}, False),
        ({"role": "user", "content": "x" * 1_001}, False),
        ({"role": "user", "content": " "}, False),
        ({**HELLO, "metadata": {}}, False),
    ],
)
def test_simple_message_must_be_accepted(body: Any, expected: bool) -> None:
    _, attempt = write("completed", body=body)
    assert attempt.must_be_accepted_if_unlocked is expected


def test_message_to_a_thread_of_unknown_origin_may_be_refused() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_message", body=HELLO)
    (attempt,) = message_writes(builder.history())
    assert not attempt.must_be_accepted_if_unlocked


def test_run_with_settings_must_be_accepted_if_it_was_before() -> None:
    builder = created()
    settings = {"assistant_id": "asst_a", "temperature": 2}
    builder.refuse("create_run", body=settings)
    builder.create_run(run("completed"), body=settings)
    builder.refuse("create_run", body={**settings, "stream": True})
    first, _, last = run_writes(builder.history())
    assert not first.must_be_accepted_if_unlocked
    assert last.must_be_accepted_if_unlocked


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("delete_thread", True), ("delete_message", True), ("delete_assistant", True), ("cancel_run", False)],
)
def test_target_may_be_deleted(operation: str, expected: bool) -> None:
    builder = created()
    builder.lose_answer(operation)
    builder.refuse("create_run", body={"assistant_id": "asst_a"})
    (attempt,) = run_writes(builder.history())
    assert attempt.target_may_be_deleted is expected


def test_negative_requests_are_left_out() -> None:
    builder = created()
    builder.refuse("create_message", step=Step(operation="create_message", role=Role.NEGATIVE))
    builder.send("create_message", message("user"), body=HELLO)
    builder.create_run()
    assert len(thread_writes(builder.history())) == 2


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Thread thread_a already has an active run run_qK3vT8wZpL5x.", "run_qK3vT8wZpL5x"),
        (f"Thread thread_a already has an active run {RUN}.", None),
        ("The member run_instructions is unknown.", None),
        ("The thread is busy.", None),
    ],
)
def test_run_of_another_thread_that_a_refusal_names(text: str, foreign: str | None) -> None:
    builder = created()
    builder.refuse("create_message", text=text, body=HELLO)
    (attempt,) = message_writes(builder.history())
    assert attempt.foreign_run == foreign
