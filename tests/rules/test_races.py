"""Simultaneous requests have one effect: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.engine.judge import judge
from runs_conformance.engine.verdicts import Requirements, VerdictContext, build_verdicts
from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Inconclusive, Outcome, Verdict
from runs_conformance.rules import lock
from runs_conformance.rules.races import modifications, run_creations, submissions
from tests.rules.examples import fails, inconclusive, passes, permitted
from tests.rules.examples import judge as results_of
from tests.rules.histories import ASSISTANT, T0, HistoryBuilder, action, call, error, page, run, step, thread

Seen = tuple[str, str]


def created_at_once(*observed_statuses: tuple[Seen, ...], second: int = 200, second_id: str = "run_b") -> History:
    """Two runs created on one thread at the same moment; then lists of it, each as (id, status)."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    body = {"assistant_id": ASSISTANT}
    builder.send("create_run", run(id_="run_a"), body=body, at=110.0)
    builder.send("create_run", run(id_=second_id) if second == 200 else error(), second, body=body, at=110.5)
    builder.clock = 120.0
    for seen in observed_statuses:
        builder.send("list_runs", page(*(run(status, id_) for id_, status in seen)))
    return builder.history()


@passes(run_creations.one_of_two_runs_at_once_is_taken, run_creations.two_runs_never_work_together)
def test_second_is_refused() -> History:
    return created_at_once((("run_a", "in_progress"),), second=400)


@fails(run_creations.one_of_two_runs_at_once_is_taken, run_creations.two_runs_never_work_together)
def test_both_work() -> History:
    return created_at_once((("run_b", "in_progress"), ("run_a", "in_progress")))


def test_run_under_another_id_is_no_second_run() -> None:
    """Reads of the run show another id, which no request created and no list shows."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run()
    builder.send("list_runs", page(run("in_progress")))
    builder.send("get_run", run("in_progress", "run_renamed"))
    builder.send("get_run", run("in_progress", "run_renamed"))
    builder.send("list_runs", page(run("in_progress")))
    assert not results_of(run_creations.two_runs_never_work_together, builder.history())


def created_after(end: int | None) -> History:
    """A run that a list shows in progress beside the next one, created 30 s after it; it ended at this second."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.see_statuses("queued", "in_progress")
    builder.create_run(run(id_="run_b", created_at=T0 + 30))
    builder.get_run(run("in_progress", "run_b", created_at=T0 + 30))
    builder.send("list_runs", page(run("in_progress", "run_b", created_at=T0 + 30), run("in_progress")))
    builder.get_run(run("completed", completed_at=T0 + end if end is not None else None))
    return builder.history()


@permitted
def test_first_had_ended_by_its_own_time_and_lists_as_in_progress() -> History:
    return created_after(5)


@fails(lock.no_second_run_while_a_run_works, run_creations.two_runs_never_work_together)
def test_first_ended_while_the_second_worked() -> History:
    return created_after(31)


@fails(lock.no_second_run_while_a_run_works, run_creations.two_runs_never_work_together)
def test_first_ended_at_an_unknown_time() -> History:
    return created_after(None)


@inconclusive(run_creations.two_runs_never_work_together)
def test_first_had_completed_and_lists_as_in_progress() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress", "completed")
    builder.create_run(run(id_="run_b"))
    builder.get_run(run("in_progress", "run_b"))
    builder.send("list_runs", page(run("in_progress", "run_b"), run("in_progress")))
    builder.get_run(run("completed"))
    return builder.history()


@fails(run_creations.one_of_two_runs_at_once_is_taken)
def test_second_waits_in_the_queue() -> History:
    return created_at_once((("run_b", "queued"), ("run_a", "in_progress")))


@permitted
def test_second_waits_in_the_queue_and_works_afterwards() -> History:
    first = (("run_b", "queued"), ("run_a", "in_progress"))
    return created_at_once(first, (("run_b", "in_progress"), ("run_a", "completed")))


@inconclusive(run_creations.one_of_two_runs_at_once_is_taken)
def test_first_may_have_ended() -> History:
    return created_at_once((("run_b", "in_progress"), ("run_a", "completed")))


def test_runs_created_at_once_with_one_id_are_inconclusive() -> None:
    rule = run_creations.one_of_two_runs_at_once_is_taken
    assert results_of(rule, created_at_once((("run_a", "queued"),), second_id="run_a")) == [Inconclusive(SHARED_ID)]


@inconclusive(run_creations.one_of_two_runs_at_once_is_taken)
def test_second_is_limited() -> History:
    return created_at_once((("run_a", "completed"),), second=429)


@inconclusive(run_creations.one_of_two_runs_at_once_is_taken, run_creations.two_runs_never_work_together)
def test_last_of_three_is_sent_after_the_second_was_answered() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    body = {"assistant_id": ASSISTANT}
    builder.send("create_run", run(id_="run_a"), body=body, at=110.0, took=3.0)
    for at in (110.5, 112.0):
        builder.send("create_run", error(), 400, body=body, at=at)
    builder.clock = 120.0
    builder.send("list_runs", page(run("in_progress", "run_a")))
    return builder.history()


@inconclusive(run_creations.one_of_two_runs_at_once_is_taken, run_creations.two_runs_never_work_together)
def test_second_waits_for_its_connection_until_the_first_was_answered() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    body = {"assistant_id": ASSISTANT}
    builder.send("create_run", run(id_="run_a"), body=body, at=110.0, sent=110.2)
    builder.send("create_run", error(), 400, body=body, at=110.1, took=2.0, sent=111.2)
    builder.clock = 120.0
    builder.send("list_runs", page(run("in_progress", "run_a")))
    return builder.history()


def created_in_rounds(count: int) -> Verdict:
    """The verdict on `two_runs_never_work_together` after rounds in which one of four simultaneous runs is accepted."""
    builder = HistoryBuilder()
    for number in range(count):
        at = builder.clock
        for place in range(4):
            answer = error() if place else run(id_=f"run_{number}")
            status = 400 if place else 200
            builder.send("create_run", answer, status, body={"assistant_id": ASSISTANT}, at=at + place / 10)
        builder.clock = at + 10
        builder.get_run(run("completed", f"run_{number}"))
    rule = run_creations.two_runs_never_work_together
    tallies = judge(builder.history(), {rule.id: rule})
    (verdict,) = build_verdicts(tallies, Requirements(rules={rule.id: rule}, constraints={}), VerdictContext())
    return verdict


def test_a_pass_needs_two_rounds_of_simultaneous_runs() -> None:
    assert created_in_rounds(2).outcome is Outcome.PASS
    once = created_in_rounds(1)
    assert once.outcome is Outcome.INCONCLUSIVE
    assert once.reason == "held on 1 occasion, but a pass needs 2"


def observed(*observed_statuses: Seen) -> History:
    builder = HistoryBuilder()
    for id_ in ("run_a", "run_b"):
        builder.create_run(run(id_=id_))
    for id_, status in observed_statuses:
        builder.get_run(run(status, id_))
    return builder.history()


@permitted
def test_one_after_the_other() -> History:
    builder = HistoryBuilder()
    for id_ in ("run_a", "run_b"):
        builder.create_run(run(id_=id_))
        for status in ("in_progress", "completed"):
            builder.get_run(run(status, id_))
    return builder.history()


@inconclusive(run_creations.two_runs_never_work_together)
def test_runs_created_at_once_that_worked_one_after_the_other() -> History:
    return observed(("run_a", "in_progress"), ("run_a", "completed"), ("run_b", "in_progress"))


@fails(run_creations.two_runs_never_work_together)
def test_one_between_reads_of_the_other() -> History:
    return observed(("run_a", "in_progress"), ("run_b", "in_progress"), ("run_a", "in_progress"))


def submitted_twice(
    first: int, second: int, *, apart: str = "call_a", calls: int = 1, later: str = "completed"
) -> History:
    builder = HistoryBuilder()
    builder.create_run()
    waiting = run("requires_action", required_action=action(call(), *[call("call_b")] * (calls - 1)))
    builder.get_run(waiting)
    outputs = ("call_a", apart)
    for place, (status, call_id) in enumerate(zip((first, second), outputs, strict=True)):
        body = {"tool_outputs": [{"tool_call_id": call_id, "output": str(place)}]}
        answer: Any = run("queued") if status == 200 else error()
        builder.send("submit_tool_outputs", answer, status, body=body, at=120.0 + place / 10)
    builder.clock = 130.0
    builder.get_run(waiting if later == "requires_action" else run(later))
    return builder.history()


@passes(submissions.outputs_are_taken_once, submissions.one_of_two_submissions_is_taken)
def test_one_submission_is_accepted() -> History:
    return submitted_twice(400, 200)


@fails(submissions.outputs_are_taken_once)
def test_both_submissions_are_accepted() -> History:
    return submitted_twice(200, 200)


@fails(submissions.one_of_two_submissions_is_taken)
def test_no_submission_is_accepted() -> History:
    return submitted_twice(400, 400)


@permitted
def test_submissions_without_an_output_for_every_call_are_all_refused() -> History:
    return submitted_twice(400, 400, calls=2, later="requires_action")


def submitted_for_reused_ids(*later: Any, answer: Any = None, steps: int | None = None) -> History:
    """Two overlapping submissions for `call_a` are accepted, with this response to the first, and runs are read later.

    At last, this number of steps with `call_a` is listed.
    """
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run("requires_action"))
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "18 degrees"}]}
    builder.send("submit_tool_outputs", answer or run("queued"), body=body, at=120.0, took=0.2)
    builder.send("submit_tool_outputs", run("queued"), body=body, at=120.1)
    builder.clock = 130.0
    for shown in later:
        builder.get_run(shown)
    if steps is not None:
        made = [step(id_=f"step_{number}", calls=[call(output="18 degrees")]) for number in range(steps)]
        builder.send("list_run_steps", page(*made), query={"limit": 100})
    return builder.history()


@inconclusive(submissions.outputs_are_taken_once)
def test_run_waits_for_the_same_call_id_again() -> History:
    return submitted_for_reused_ids(run("requires_action"), run("completed"))


@inconclusive(submissions.outputs_are_taken_once)
def test_steps_show_a_call_for_each_submission() -> History:
    return submitted_for_reused_ids(run("requires_action"), run("completed"), steps=2)


@inconclusive(submissions.outputs_are_taken_once)
def test_steps_show_no_calls() -> History:
    return submitted_for_reused_ids(run("requires_action"), run("completed"), steps=0)


@fails(submissions.outputs_are_taken_once)
def test_steps_show_fewer_calls_than_submissions_were_accepted() -> History:
    return submitted_for_reused_ids(run("completed"), run("requires_action", "run_b"), steps=1)


@inconclusive(submissions.outputs_are_taken_once)
def test_accepted_submission_shows_the_same_call_id_again() -> History:
    return submitted_for_reused_ids(run("completed"), answer=run("requires_action"))


@inconclusive(submissions.outputs_are_taken_once)
def test_run_waited_for_the_same_call_id_in_an_earlier_round() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "18 degrees"}]}
    builder.get_run(run("requires_action"))
    builder.send("submit_tool_outputs", run("queued"), body=body)
    builder.get_run(run("requires_action"))
    for at in (120.0, 120.1):
        builder.send("submit_tool_outputs", run("queued"), body=body, at=at)
    builder.clock = 130.0
    builder.get_run(run("completed"))
    return builder.history()


@inconclusive(submissions.outputs_are_taken_once)
def test_another_run_waits_for_the_same_call_id() -> History:
    return submitted_for_reused_ids(run("completed"), run("requires_action", "run_b"))


@fails(submissions.outputs_are_taken_once)
def test_run_waits_for_another_call_afterwards() -> History:
    return submitted_for_reused_ids(run("requires_action", required_action=action(call("call_b"))))


@fails(submissions.outputs_are_taken_once)
def test_resumed_run_still_shows_its_calls() -> History:
    return submitted_for_reused_ids(run("in_progress", required_action=action()))


@inconclusive(submissions.outputs_are_taken_once)
def test_last_of_three_submissions_is_sent_after_the_second_was_answered() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run("requires_action"))
    body = {"tool_outputs": [{"tool_call_id": "call_a", "output": "18 degrees"}]}
    builder.send("submit_tool_outputs", run("queued"), body=body, at=120.0, took=3.0)
    for at in (120.5, 122.0):
        builder.send("submit_tool_outputs", error(), 400, body=body, at=at)
    return builder.history()


@inconclusive(submissions.one_of_two_submissions_is_taken)
def test_submission_is_limited() -> History:
    return submitted_twice(400, 429)


CHANGE: dict[str, Any] = {"metadata": {"while": "running"}}


def modified_meanwhile(*, stored: Any, active: str = "in_progress") -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run()
    builder.get_run(run("in_progress"))
    builder.send("modify_thread", thread(**CHANGE), body=CHANGE)
    builder.get_run(run(active))
    builder.get_run(run("completed"))
    builder.send("get_thread", thread(metadata=stored))
    return builder.history()


@passes(modifications.changes_outlive_the_run)
def test_change_is_kept() -> History:
    return modified_meanwhile(stored={"while": "running"})


@fails(modifications.changes_outlive_the_run, at="/metadata")
def test_change_is_undone() -> History:
    return modified_meanwhile(stored={})


def run_modified(*later: Any) -> History:
    """A run is modified while it is in progress, and then shown with each of these statuses and metadata."""
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run("in_progress"))
    builder.send("modify_run", run("in_progress", **CHANGE), body=CHANGE)
    for status, metadata in later:
        builder.get_run(run(status, metadata=metadata))
    return builder.history()


@passes(modifications.changes_outlive_the_run)
def test_change_of_the_run_is_kept_at_its_end() -> History:
    return run_modified(("in_progress", CHANGE["metadata"]), ("completed", CHANGE["metadata"]))


@fails(modifications.changes_outlive_the_run, at="/metadata")
def test_change_of_the_run_is_undone_at_its_end() -> History:
    return run_modified(("in_progress", CHANGE["metadata"]), ("completed", {}))


@fails(modifications.changes_outlive_the_run, at="/metadata")
def test_change_of_the_run_is_undone_before_its_end() -> History:
    return run_modified(("in_progress", CHANGE["metadata"]), ("in_progress", {}), ("in_progress", {}))


@inconclusive(modifications.changes_outlive_the_run)
def test_changed_run_is_not_shown_after_its_end() -> History:
    return run_modified(("in_progress", CHANGE["metadata"]), ("in_progress", CHANGE["metadata"]))


@inconclusive(modifications.changes_outlive_the_run)
def test_thread_is_read_before_the_end_of_its_run() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run()
    builder.get_run(run("in_progress"))
    builder.send("modify_thread", thread(**CHANGE), body=CHANGE)
    builder.send("get_thread", thread(**CHANGE))
    builder.get_run(run("in_progress"))
    builder.get_run(run("completed"))
    return builder.history()


@inconclusive(modifications.changes_outlive_the_run)
def test_run_had_ended() -> History:
    return modified_meanwhile(stored={}, active="completed")


@inconclusive(modifications.changes_outlive_the_run)
def test_a_refused_change_is_stored() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run()
    builder.get_run(run("in_progress"))
    builder.send("modify_thread", thread(**CHANGE), body=CHANGE)
    builder.get_run(run("in_progress"))
    builder.send("modify_thread", error(), body={"metadata": {"number": 9}}, status=400)
    builder.get_run(run("completed"))
    builder.send("get_thread", thread(metadata={"number": "9"}))
    return builder.history()


def changed_twice(stored: dict[str, str], created_with: dict[str, str] | None = None) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"metadata": created_with or {}})
    for place, name in enumerate(("left", "right")):
        body: dict[str, Any] = {"metadata": {name: "yes"}}
        builder.send("modify_thread", thread(**body), body=body, at=110.0 + place / 10)
    builder.clock = 120.0
    builder.send("get_thread", thread(metadata=stored))
    return builder.history()


@passes(modifications.of_two_changes_one_stands)
def test_last_change_stands() -> History:
    return changed_twice({"right": "yes"})


@passes(modifications.of_two_changes_one_stands)
def test_both_changes_stand() -> History:
    return changed_twice({"left": "yes", "right": "yes"})


@fails(modifications.of_two_changes_one_stands)
def test_neither_change_stands() -> History:
    return changed_twice({})


@inconclusive(modifications.of_two_changes_one_stands)
def test_neither_change_stands_where_metadata_is_never_kept() -> History:
    return changed_twice({}, created_with={"kept": "no"})


@inconclusive(modifications.of_two_changes_one_stands)
def test_last_of_three_changes_is_sent_after_the_second_was_answered() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for at, took, name in ((110.0, 3.0, "left"), (110.5, 1.0, "right"), (112.0, 1.0, "last")):
        body: dict[str, Any] = {"metadata": {name: "yes"}}
        builder.send("modify_thread", thread(**body), body=body, at=at, took=took)
    builder.clock = 120.0
    builder.send("get_thread", thread(metadata={"last": "yes"}))
    return builder.history()


@permitted
def test_either_change_may_stand() -> History:
    return changed_twice({"left": "yes"})
