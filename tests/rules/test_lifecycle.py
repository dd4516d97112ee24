from __future__ import annotations

from runs_conformance.model.history import History
from runs_conformance.rules import lifecycle
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import T0, Told, action, call, run


def _looks(*statuses: str) -> History:
    tell = Told()
    tell.looks(*statuses)
    return tell.history()


@holds(
    lifecycle.status_is_known,
    lifecycle.begins_queued,
    lifecycle.follows_the_graph,
    lifecycle.terminal_status_is_final,
)
def test_run_that_completes() -> History:
    return _looks("queued", "in_progress", "completed", "completed")


@breaks(lifecycle.status_is_known, at="/status", times=1)
def test_american_spelling() -> History:
    return _looks("queued", "canceled")


@breaks(lifecycle.begins_queued, at="/status")
def test_run_that_begins_in_progress() -> History:
    return _looks("in_progress", "completed")


@breaks(lifecycle.follows_the_graph, at="/status")
def test_run_that_goes_back_to_queued() -> History:
    return _looks("queued", "in_progress", "queued")


@breaks(lifecycle.follows_the_graph)
def test_run_that_revives_from_cancelling() -> History:
    return _looks("queued", "cancelling", "in_progress")


@breaks(lifecycle.terminal_status_is_final, at="/status")
def test_run_that_ends_twice() -> History:
    return _looks("queued", "completed", "cancelled")


@breaks(lifecycle.terminal_status_is_final)
def test_finished_run_that_lists_as_in_progress() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.send("list_runs", {"object": "list", "data": [run("in_progress")]})
    return tell.history()


@holds(lifecycle.waits_for_outputs)
def test_run_that_waits() -> History:
    return _looks("queued", "requires_action", "requires_action", "expired")


@breaks(lifecycle.waits_for_outputs, at="/status")
def test_run_that_goes_on_without_outputs() -> History:
    return _looks("queued", "requires_action", "completed")


@breaks(lifecycle.waits_for_outputs)
def test_run_that_goes_on_after_a_refused_submission() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.refuse("submit_tool_outputs", body={"tool_outputs": []})
    tell.get_run(run("in_progress"))
    return tell.history()


@legal
def test_run_that_goes_on_after_its_outputs() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]}
    tell.send("submit_tool_outputs", run("queued", started_at=T0), body=body)
    tell.get_run(run("in_progress", started_at=T0 + 1))
    tell.get_run(run("requires_action", started_at=T0 + 1, required_action=action(call("call_b"))))
    return tell.history()


@legal
def test_outputs_of_which_nobody_knows_whether_they_were_taken() -> History:
    tell = Told()
    tell.looks("queued", "requires_action")
    tell.lost("submit_tool_outputs", body={"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]})
    tell.get_run(run("completed"))
    return tell.history()


@legal
def test_overlapping_looks_have_no_order() -> History:
    tell = Told()
    tell.create_run(run("queued"))
    tell.get_run(run("completed"), at=110.0, took=5.0)
    tell.get_run(run("in_progress"), at=111.0, took=1.0)
    return tell.history()


@legal
def test_status_seen_late_in_a_stream() -> History:
    tell = Told()
    tell.stream(
        "create_run",
        ("thread.run.created", run("queued")),
        ("thread.run.in_progress", run("in_progress")),
        ("thread.run.completed", run("completed")),
        at=100.0,
        took=10.0,
    )
    tell.get_run(run("completed"), at=101.0, took=0.5)
    return tell.history()


@legal
def test_cancellation_that_comes_too_late() -> History:
    return _looks("queued", "cancelling", "completed")


def _aged(*looks: tuple[float, str], life: int = 5) -> History:
    tell = Told()
    tell.create_run(run("queued", expires_at=T0 + life))
    for after, status in looks:
        tell.get_run(run(status, expires_at=T0 + life), at=101.0 + after, took=0.5)
    return tell.history()


@holds(lifecycle.waiting_run_expires, lifecycle.expires_no_earlier)
def test_waiting_run_that_expires() -> History:
    return _aged((1, "requires_action"), (7, "expired"))


@holds(lifecycle.working_run_expires)
def test_working_run_that_expires() -> History:
    return _aged((1, "in_progress"), (7, "expired"))


@breaks(lifecycle.waiting_run_expires, at="/status", times=1)
def test_run_that_waits_forever() -> History:
    return _aged((1, "requires_action"), (7, "requires_action"), (20, "requires_action"))


@breaks(lifecycle.working_run_expires, at="/status")
def test_run_that_works_forever() -> History:
    return _aged((1, "in_progress"), (20, "in_progress"))


@breaks(lifecycle.expires_no_earlier)
def test_run_that_expires_early() -> History:
    return _aged((1, "requires_action"), (2, "expired"), life=600)


@undecided(lifecycle.waiting_run_expires)
def test_run_that_was_not_watched_for_long() -> History:
    return _aged((1, "requires_action"), (7, "requires_action"))
