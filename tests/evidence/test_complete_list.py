"""A list is complete if it shows every object at a time when nothing changes."""

from __future__ import annotations

from runs_conformance.evidence.complete_list import (
    complete_lists,
    complete_lists_of,
    is_quiescent,
    message_certainly_exists,
    run_creations,
    steps_after_run_end,
    thread_creation,
)
from tests.rules.histories import MESSAGE, RUN, THREAD, HistoryBuilder, message, page, run, step, thread


def builder_with_thread() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    return builder


def test_complete_list_has_no_cursor_and_no_more() -> None:
    builder = HistoryBuilder()
    complete = builder.send("list_messages", page(message()))
    builder.send("list_messages", page(message(), has_more=True))
    builder.send("list_messages", page(message()), query={"after": "msg_b"})
    assert [each.exchange for each in complete_lists(builder.history())] == [complete]


def test_complete_lists_of_one_thread_without_filters() -> None:
    builder = HistoryBuilder()
    mine = builder.send("list_messages", page(message()))
    builder.send("list_messages", page(message()), thread_id="thread_b")
    builder.send("list_messages", page(message()), query={"run_id": RUN})
    lists = complete_lists_of(builder.history(), "list_messages", thread_id=THREAD)
    assert [each.exchange for each in lists] == [mine]


def test_steps_after_run_end() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    after_end = builder.send("list_run_steps", page(step()))
    found = steps_after_run_end(builder.history(), RUN)
    assert found is not None
    assert found.exchange is after_end


def test_steps_of_an_active_run_are_not_after_its_end() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_run_steps", page(step()))
    assert steps_after_run_end(builder.history(), RUN) is None


def test_thread_creation() -> None:
    builder = builder_with_thread()
    assert thread_creation(builder.history(), THREAD) is builder.exchanges[0]
    assert thread_creation(builder.history(), "thread_b") is None


def test_thread_creation_with_a_run() -> None:
    builder = HistoryBuilder()
    exchange = builder.send("create_thread_and_run", run())
    assert thread_creation(builder.history(), THREAD) is exchange


def test_run_creations_include_lost_answers_but_no_refusals() -> None:
    builder = builder_with_thread()
    accepted, lost = builder.create_run(), builder.lose_answer("create_run")
    builder.refuse("create_run")
    assert list(run_creations(builder.history(), THREAD)) == [accepted, lost]


def test_thread_whose_runs_ended_is_quiescent() -> None:
    builder = builder_with_thread()
    builder.see_statuses("queued", "completed")
    read = builder.send("list_messages", page(message()))
    assert is_quiescent(builder.history(), THREAD, read)


def test_thread_of_unknown_origin_is_not_quiescent() -> None:
    builder = HistoryBuilder()
    read = builder.send("list_messages", page(message()))
    assert not is_quiescent(builder.history(), THREAD, read)


def test_thread_with_an_active_run_is_not_quiescent() -> None:
    builder = builder_with_thread()
    builder.see_statuses("queued", "in_progress")
    read = builder.send("list_messages", page(message()))
    assert not is_quiescent(builder.history(), THREAD, read)


def test_thread_with_a_run_of_unknown_outcome_is_not_quiescent() -> None:
    builder = builder_with_thread()
    builder.lose_answer("create_run")
    read = builder.send("list_messages", page(message()))
    assert not is_quiescent(builder.history(), THREAD, read)


def test_thread_is_not_quiescent_during_a_concurrent_write() -> None:
    builder = builder_with_thread()
    read = builder.send("list_messages", page(message()))
    builder.send("create_message", message("user"), at=read.started + 0.5)
    assert not is_quiescent(builder.history(), THREAD, read)


def test_message_certainly_exists() -> None:
    builder = builder_with_thread()
    builder.send("create_message", message("user"))
    read = builder.send("get_message", message("user"))
    assert message_certainly_exists(builder.history(), read)


def test_deleted_message_does_not_certainly_exist() -> None:
    builder = builder_with_thread()
    builder.send("create_message", message("user"))
    builder.lose_answer("delete_message")
    read = builder.send("get_message", message("user"))
    assert not message_certainly_exists(builder.history(), read)


def test_message_of_another_thread_does_not_certainly_exist() -> None:
    builder = builder_with_thread()
    builder.send("create_message", message("user"))
    read = builder.refuse("get_message", 404, thread_id="thread_b", message_id=MESSAGE)
    assert not message_certainly_exists(builder.history(), read)
