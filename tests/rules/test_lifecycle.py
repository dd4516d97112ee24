"""Runs take documented transitions: the rules on this, on literal histories."""

from __future__ import annotations

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.verdict import Passed, Suspicion
from runs_conformance.rules import lifecycle
from runs_conformance.rules.cancel import effect
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import T0, HistoryBuilder, action, call, function_tool, page, run


def _observed(*statuses: str) -> History:
    builder = HistoryBuilder()
    builder.see_statuses(*statuses)
    return builder.history()


@passes(
    lifecycle.status_is_known,
    lifecycle.begins_queued,
    lifecycle.follows_the_graph,
    lifecycle.terminal_status_is_final,
)
def test_run_that_completes() -> History:
    return _observed("queued", "in_progress", "completed", "completed")


@fails(lifecycle.status_is_known, at="/status", times=1)
def test_american_spelling() -> History:
    return _observed("queued", "canceled")


@fails(lifecycle.begins_queued, at="/status")
def test_run_that_starts_in_progress() -> History:
    return _observed("in_progress", "completed")


@inconclusive(lifecycle.begins_queued)
def test_stream_that_leaves_the_beginning_of_the_run_out() -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", ("thread.run.in_progress", run("in_progress")))
    return builder.history()


@fails(lifecycle.follows_the_graph, at="/status")
def test_run_that_returns_to_queued() -> History:
    return _observed("queued", "in_progress", "queued")


@inconclusive(lifecycle.follows_the_graph)
def test_unknown_status_between_known_ones() -> History:
    return _observed("queued", "canceling")


@fails(lifecycle.follows_the_graph)
def test_run_that_resumes_from_cancelling() -> History:
    return _observed("queued", "cancelling", "in_progress")


def test_run_that_is_cancelled_before_it_calls_functions() -> None:
    for answer, expected in (("cancelling", True), ("cancelled", False)):
        builder = HistoryBuilder()
        builder.create_run(run("queued", tools=[function_tool()]))
        builder.get_run(run("in_progress"))
        builder.send("cancel_run", run(answer))
        builder.get_run(run("cancelled"))
        part = Passed("a cancellation of a run in progress that can call functions")
        assert (part in judge(lifecycle.follows_the_graph, builder.history())) is expected
        assert (part in judge(effect.is_carried_out, builder.history())) is expected


@fails(lifecycle.terminal_status_is_final, at="/status")
def test_run_that_ends_twice() -> History:
    return _observed("queued", "completed", "cancelled")


def _listed_after_end(status: object) -> History:
    """A completed run is listed with this status, and read again."""
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_runs", page({name: value for name, value in run("completed").items() if name != "status"}))
    builder.send("list_runs", page({**run("completed"), "status": status}))
    builder.get_run(run("completed"))
    return builder.history()


@pytest.mark.parametrize("status", [None, "COMPLETED", "done"])
def test_missing_or_unknown_status_of_a_finished_run_is_suspicious(status: object) -> None:
    results = judge(lifecycle.terminal_status_is_final, _listed_after_end(status))
    assert [type(result) for result in results] == [Suspicion, Suspicion, Passed]


@fails(lifecycle.status_is_known, times=2)
def test_missing_and_unknown_statuses_of_a_finished_run() -> History:
    return _listed_after_end("COMPLETED")


@fails(lifecycle.terminal_status_is_final)
def test_finished_run_that_lists_as_in_progress() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_runs", {"object": "list", "data": [run("in_progress")]})
    return builder.history()


@passes(lifecycle.waits_for_outputs)
def test_waiting_run_that_lists_as_in_progress() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "requires_action")
    builder.send("list_runs", page(run("in_progress")))
    builder.get_run(run("requires_action"))
    return builder.history()


@permitted
def test_resumed_run_that_lists_as_waiting() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    outputs = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder.send("submit_tool_outputs", run("queued"), body=outputs)
    builder.send("list_runs", page(run("requires_action")))
    builder.get_run(run("completed"))
    return builder.history()


@fails(lifecycle.waits_for_outputs)
def test_run_that_lists_and_reads_as_resumed_without_outputs() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_runs", page(run("in_progress")))
    builder.get_run(run("in_progress"))
    return builder.history()


@passes(lifecycle.waits_for_outputs)
def test_run_that_waits() -> History:
    return _observed("queued", "requires_action", "requires_action", "expired")


@fails(lifecycle.waits_for_outputs, at="/status")
def test_run_that_continues_without_outputs() -> History:
    return _observed("queued", "requires_action", "completed")


@fails(lifecycle.waits_for_outputs)
def test_run_that_continues_after_a_refused_submission() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("submit_tool_outputs", body={"tool_outputs": []})
    builder.get_run(run("in_progress"))
    return builder.history()


@permitted
def test_run_that_continues_after_its_outputs() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    builder.send("submit_tool_outputs", run("queued", started_at=T0), body=body)
    builder.get_run(run("in_progress", started_at=T0 + 1))
    builder.get_run(run("requires_action", started_at=T0 + 1, required_action=action(call("call_b"))))
    return builder.history()


@permitted
def test_outputs_whose_answer_was_lost() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "requires_action")
    builder.lose_answer("submit_tool_outputs", body={"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]})
    builder.get_run(run("completed"))
    return builder.history()


@permitted
def test_overlapping_reads_have_no_order() -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.get_run(run("completed"), at=110.0, took=5.0)
    builder.get_run(run("in_progress"), at=111.0, took=1.0)
    return builder.history()


@permitted
def test_status_seen_late_in_a_stream() -> History:
    builder = HistoryBuilder()
    builder.stream(
        "create_run",
        ("thread.run.created", run("queued")),
        ("thread.run.in_progress", run("in_progress")),
        ("thread.run.completed", run("completed")),
        at=100.0,
        took=10.0,
    )
    builder.get_run(run("completed"), at=101.0, took=0.5)
    return builder.history()


@permitted
def test_cancellation_that_comes_too_late() -> History:
    return _observed("queued", "cancelling", "completed")


def _aged(*observed: tuple[float, str], life: int = 5) -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued", expires_at=T0 + life))
    for after, status in observed:
        builder.get_run(run(status, expires_at=T0 + life), at=101.0 + after, took=0.5)
    return builder.history()


@passes(lifecycle.waiting_run_expires, lifecycle.expires_no_earlier)
def test_waiting_run_that_expires() -> History:
    return _aged((1, "requires_action"), (7, "expired"))


@passes(lifecycle.working_run_expires)
def test_working_run_that_expires() -> History:
    return _aged((1, "in_progress"), (7, "expired"))


@fails(lifecycle.waiting_run_expires, at="/status", times=1)
def test_run_that_waits_forever() -> History:
    return _aged((1, "requires_action"), (7, "requires_action"), (20, "requires_action"))


@fails(lifecycle.working_run_expires, at="/status")
def test_run_that_works_forever() -> History:
    return _aged((1, "in_progress"), (20, "in_progress"))


@inconclusive(lifecycle.working_run_expires)
def test_run_whose_expiry_precedes_its_creation() -> History:
    return _aged((1, "in_progress"), (20, "in_progress"), life=-1_700_000_000)


@fails(lifecycle.expires_no_earlier)
def test_run_that_expires_early() -> History:
    return _aged((1, "requires_action"), (2, "expired"), life=600)


@inconclusive(lifecycle.waiting_run_expires)
def test_run_that_was_not_observed_for_long() -> History:
    return _aged((1, "requires_action"), (7, "requires_action"))
