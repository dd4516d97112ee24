from __future__ import annotations

from runs_conformance.model.history import History
from runs_conformance.rules import identity
from tests.rules.examples import breaks, holds, legal
from tests.rules.histories import T0, Told, deleted, message, page, run, step, streamed_message


@holds(
    identity.answer_is_about_what_was_asked_for,
    identity.never_changes,
    identity.object_names_where_it_is,
    identity.run_names_its_assistant,
)
def test_objects_that_are_themselves() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    tell.send("list_runs", page(run("completed")))
    tell.send("get_run_step", step())
    tell.send("get_message", message())
    tell.send("delete_message", deleted("msg_a"))
    return tell.history()


@breaks(identity.answer_is_about_what_was_asked_for, at="/id", times=1)
def test_another_run() -> History:
    tell = Told()
    tell.get_run(run("queued", id_="run_b"), run_id="run_a")
    return tell.history()


@breaks(identity.answer_is_about_what_was_asked_for, at="/id", times=1)
def test_deletion_of_another_message() -> History:
    tell = Told()
    tell.send("delete_message", deleted("thread_a"))
    return tell.history()


@breaks(identity.never_changes, at="/created_at", times=1)
def test_created_at_that_is_the_time_of_the_look() -> History:
    tell = Told()
    tell.create_run(run())
    tell.get_run(run("completed", created_at=T0 + 3))
    return tell.history()


@breaks(identity.never_changes, at="/data/0/role", times=1)
def test_message_whose_role_changes() -> History:
    tell = Told()
    tell.send("create_message", message("user", "Hello"), body={})
    tell.send("list_messages", page({**message("user", "Hello"), "role": "assistant"}))
    return tell.history()


@breaks(identity.object_names_where_it_is, at="/thread_id", times=1)
def test_run_that_names_another_thread() -> History:
    tell = Told()
    tell.create_run(run(thread_id="thread_z"))
    return tell.history()


@breaks(identity.object_names_where_it_is, at="/run_id", times=1)
def test_step_that_names_another_run() -> History:
    tell = Told()
    tell.send("get_run_step", step(run_id="run_z"))
    return tell.history()


@breaks(identity.run_names_its_assistant, at="/assistant_id", times=1)
def test_run_of_another_assistant() -> History:
    tell = Told()
    tell.create_run(run(assistant_id="asst_z"))
    return tell.history()


@legal
def test_members_that_only_one_channel_shows() -> History:
    tell = Told()
    tell.stream(
        "create_run",
        ("thread.run.created", run()),
        ("thread.message.created", streamed_message("in_progress")),
        ("thread.message.completed", streamed_message("completed")),
        ("thread.run.completed", run("completed")),
    )
    tell.send("get_message", message())
    return tell.history()
