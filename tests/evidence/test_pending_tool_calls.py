"""Steps are judged as pending only while the run surely waits."""

from __future__ import annotations

from runs_conformance.evidence.pending_tool_calls import steps_while_pending
from tests.rules.histories import CALL, HistoryBuilder, action, call, page, run, step
from tests.rules.streams import calling, opening, plain

STEPS = page(step("in_progress", calls=[call()]))


def test_steps_read_while_the_run_waits() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_run_steps", STEPS)
    builder.get_run(run("requires_action"))
    (pending,) = steps_while_pending(builder.history())
    assert pending.call_ids == {CALL}
    assert len(pending.steps) == 1
    assert pending.page is not None


def test_steps_read_after_the_run_left_the_status() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_run_steps", STEPS)
    builder.get_run(run("expired"))
    assert steps_while_pending(builder.history()) == ()


def test_steps_read_beside_a_submission() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("queued"))
    builder.send("list_run_steps", STEPS)
    builder.get_run(run("requires_action"))
    assert steps_while_pending(builder.history()) == ()


def test_steps_read_before_the_next_calls_of_a_run_whose_submission_was_not_recorded() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_run_steps", STEPS)
    builder.get_run(run("requires_action", required_action=action(call("call_next"))))
    assert steps_while_pending(builder.history()) == ()


def test_stream_that_ends_while_the_run_waits() -> None:
    builder = HistoryBuilder()
    builder.stream("create_run", *opening(), *calling("{}"))
    (pending,) = steps_while_pending(builder.history())
    assert pending.call_ids == {CALL}
    assert pending.page is None
    assert len(pending.steps) == 2


def test_stream_of_a_completed_run() -> None:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    assert steps_while_pending(builder.history()) == ()
