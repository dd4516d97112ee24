"""Stored objects equal their events: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import stored
from tests.rules.examples import fails, inconclusive, passes, permitted, suspicious
from tests.rules.histories import HistoryBuilder, message, page, run, step, streamed_message, usage
from tests.rules.streams import completed, opening, plain, writing


def read_after(
    read_run: Any = None, read_step: Any = None, read_message: Any = None, events: list[tuple[str, Any]] | None = None
) -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", *(events or plain()))
    builder.get_run(read_run or run("completed", tool_resources={"code_interpreter": {"file_ids": []}}))
    builder.send("get_run_step", read_step or step("completed", expires_at=None))
    builder.send("get_message", read_message or message())
    return builder.history()


@passes(
    stored.run_is_as_its_stream_ended, stored.steps_are_as_their_stream_ended, stored.messages_are_as_their_stream_ended
)
def test_read_equals_stream() -> History:
    late = [*opening(), *writing("Hello.")[:-1], ("thread.run.step.completed", step(expires_at=1)), completed()]
    return read_after(events=late)


@fails(stored.run_is_as_its_stream_ended, at="/usage")
def test_usage_differs() -> History:
    return read_after(run("completed", usage=usage(1, 1)))


@fails(stored.run_is_as_its_stream_ended, at="/status")
def test_run_is_still_active() -> History:
    return read_after(run("in_progress"))


@fails(stored.steps_are_as_their_stream_ended, at="/status")
def test_step_is_still_in_progress() -> History:
    return read_after(None, step("in_progress"))


@fails(stored.messages_are_as_their_stream_ended, at="/content")
def test_message_has_another_text() -> History:
    return read_after(None, None, message(text_value="Good bye."))


@passes(stored.run_is_as_its_stream_ended)
def test_run_is_modified_afterwards() -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    changed: dict[str, Any] = {"metadata": {"a": "b"}}
    builder.send("modify_run", run("completed", **changed), body=changed)
    builder.get_run(run("completed", **changed))
    return builder.history()


@inconclusive(stored.run_is_as_its_stream_ended)
def test_waiting_run_continues() -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", *opening(), ("thread.run.requires_action", run("requires_action")))
    builder.get_run(run("expired"))
    return builder.history()


@permitted
def test_progress_members_are_streamed_only() -> History:
    return read_after(read_message=streamed_message())


def listed_after(*steps: Any) -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    builder.send("list_run_steps", page(*steps))
    builder.send("list_messages", page(message()))
    return builder.history()


@passes(stored.what_was_streamed_is_there)
def test_streamed_and_listed() -> History:
    return listed_after(step("completed"))


@fails(stored.what_was_streamed_is_there, times=1)
def test_listed_under_another_id() -> History:
    return listed_after(step("completed", "step_b"))


@suspicious(stored.what_was_streamed_is_there)
def test_listed_as_a_step_of_another_thread() -> History:
    builder = HistoryBuilder()
    builder.stream("create_run", *plain())
    builder.send("list_run_steps", page(step(thread_id="thread_b")))
    return builder.history()
