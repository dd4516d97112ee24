"""An object stays the same: the rules on this, on literal histories."""

from __future__ import annotations

from runs_conformance.model.case import Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Passed
from runs_conformance.rules import identity
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import T0, HistoryBuilder, deleted, message, page, run, step, streamed_message, thread


@passes(
    identity.response_shows_the_requested_object,
    identity.never_changes,
    identity.object_names_where_it_is,
    identity.run_names_its_assistant,
)
def test_constant_objects() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_runs", page(run("completed")))
    builder.send("get_run_step", step())
    builder.send("get_message", message())
    builder.send("delete_message", deleted("msg_a"))
    return builder.history()


def test_answers_and_steps_are_parts_of_the_evidence() -> None:
    builder = HistoryBuilder()
    builder.send("get_run_step", step())
    builder.send("get_message", message())
    results = judge(identity.object_names_where_it_is, builder.history())
    parts = {result.part for result in results if isinstance(result, Passed)} - {""}
    assert parts == {part for part, _ in identity.object_names_where_it_is.needs_parts}


@fails(identity.response_shows_the_requested_object, at="/id", times=1)
def test_another_run() -> History:
    builder = HistoryBuilder()
    builder.get_run(run("queued", id_="run_b"), run_id="run_a")
    return builder.history()


@fails(identity.response_shows_the_requested_object, at="/id", times=1)
def test_deletion_of_another_message() -> History:
    builder = HistoryBuilder()
    builder.send("delete_message", deleted("thread_a"))
    return builder.history()


@fails(identity.never_changes, at="/created_at", times=1)
def test_created_at_computed_at_read_time() -> History:
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.get_run(run("completed", created_at=T0 + 3))
    return builder.history()


@inconclusive(identity.never_changes)
def test_created_at_as_a_text_of_the_same_time() -> History:
    builder = HistoryBuilder()
    for value in ("2025-10-30T12:06:40Z", T0):
        builder.send("get_thread", thread(created_at=value, object=ABSENT))
    return builder.history()


@fails(identity.never_changes, at="/created_at", times=1)
def test_created_at_that_changes_after_a_text() -> History:
    builder = HistoryBuilder()
    for value in ("2025-10-30T12:06:40Z", T0, T0 + 3):
        builder.send("get_thread", thread(created_at=value))
    return builder.history()


@fails(identity.never_changes, at="/created_at", times=1)
def test_created_at_as_a_text_that_changes() -> History:
    builder = HistoryBuilder()
    for value in ("2025-10-30T12:06:40Z", "2025-10-30T12:06:43Z"):
        builder.send("get_thread", thread(created_at=value))
    return builder.history()


@fails(identity.never_changes, at="/data/0/assistant_id", times=1)
def test_message_whose_assistant_is_set_later() -> History:
    builder = HistoryBuilder()
    builder.send("get_message", message(assistant_id=None))
    builder.send("list_messages", page(message()))
    return builder.history()


@fails(identity.never_changes, at="/data/0/role", times=1)
def test_message_whose_role_changes() -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello"), body={})
    builder.send("list_messages", page({**message("user", "Hello"), "role": "assistant"}))
    return builder.history()


@fails(identity.object_names_where_it_is, at="/thread_id", times=1)
def test_run_that_names_another_thread() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(thread_id="thread_z"))
    return builder.history()


@inconclusive(identity.object_names_where_it_is)
def test_message_that_is_found_under_another_thread() -> History:
    builder = HistoryBuilder()
    wrong_parent = Step(operation="modify_message", body={"metadata": {}}, role=Role.NEGATIVE)
    builder.send("modify_message", message(thread_id="thread_z"), body={"metadata": {}}, step=wrong_parent)
    return builder.history()


@inconclusive(identity.object_names_where_it_is)
def test_cancelled_run_that_is_found_under_another_thread() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(thread_id=ABSENT))
    builder.send("cancel_run", run("cancelling"), thread_id="thread_z")
    return builder.history()


@fails(identity.object_names_where_it_is, at="/run_id", times=1)
def test_step_that_names_another_run() -> History:
    builder = HistoryBuilder()
    builder.send("get_run_step", step(run_id="run_z"))
    return builder.history()


@fails(identity.run_names_its_assistant, at="/assistant_id", times=1)
def test_run_of_another_assistant() -> History:
    builder = HistoryBuilder()
    builder.create_run(run(assistant_id="asst_z"))
    return builder.history()


@permitted
def test_members_that_only_one_channel_shows() -> History:
    builder = HistoryBuilder()
    builder.stream(
        "create_run",
        ("thread.run.created", run()),
        ("thread.message.created", streamed_message("in_progress")),
        ("thread.message.completed", streamed_message("completed")),
        ("thread.run.completed", run("completed")),
    )
    builder.send("get_message", message())
    return builder.history()
