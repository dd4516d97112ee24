"""Streams consist of the documented events: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import PASSED, Passed
from runs_conformance.rules.events import event_data, object_sequence, stream_sequence
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, call, message, page, run, step, streamed_message, thread
from tests.rules.streams import calling, completed, delta, in_new_thread, opening, plain, resumed, wrapped, writing

EVERY = (
    event_data.run_events_fit_their_status,
    event_data.step_and_message_events_fit_their_status,
    event_data.created_events_show_the_beginning,
    object_sequence.objects_are_created_first,
    object_sequence.objects_end_once,
    object_sequence.what_was_begun_is_ended,
    object_sequence.what_is_created_is_worked_on,
    stream_sequence.a_stream_is_about_one_run,
    stream_sequence.thread_created_comes_where_one_was,
    stream_sequence.a_step_completes_after_its_message,
    stream_sequence.a_message_comes_with_its_step,
)


def streamed(*stream_events: tuple[str, Any], operation: str = "create_run", edition: str = "2026-08-14") -> History:
    builder = HistoryBuilder(edition=edition)
    builder.stream(operation, *stream_events)
    return builder.history()


def without(name: str) -> list[tuple[str, Any]]:
    return [event for event in plain() if event[0] != name]


@passes(*EVERY, stream_sequence.a_run_opens_its_stream)
def test_plain_stream() -> History:
    return streamed(*plain())


@passes(*EVERY, stream_sequence.a_run_opens_its_stream)
def test_stream_whose_events_are_named_in_their_data() -> History:
    return streamed(*wrapped(*plain()))


@inconclusive(stream_sequence.thread_created_comes_where_one_was, stream_sequence.a_run_opens_its_stream)
def test_stream_whose_objects_cannot_be_read() -> History:
    return streamed(*(("message", data) for _, data in plain()))


@passes(*EVERY, stream_sequence.a_run_opens_its_stream, stream_sequence.a_new_thread_opens_its_stream)
def test_stream_in_a_new_thread() -> History:
    return streamed(*in_new_thread(), operation="create_thread_and_run")


@passes(*EVERY, stream_sequence.outputs_complete_their_step)
def test_stream_after_outputs() -> History:
    return streamed(*resumed(), operation="submit_tool_outputs")


@fails(event_data.run_events_fit_their_status, at="/events/2/data/status", times=1)
def test_in_progress_event_of_a_queued_run() -> History:
    stream_events = plain()
    stream_events[2] = ("thread.run.in_progress", run("queued"))
    return streamed(*stream_events)


@fails(event_data.run_events_fit_their_status)
def test_incomplete_run_in_a_completed_event() -> History:
    return streamed(*plain()[:-1], ("thread.run.completed", run("incomplete")))


@passes(event_data.run_events_fit_their_status)
def test_incomplete_run_in_a_completed_event_before_there_was_another() -> History:
    return streamed(*plain()[:-1], ("thread.run.completed", run("incomplete")), edition="2024-04-29")


@fails(event_data.step_and_message_events_fit_their_status, times=2)
def test_ends_that_show_no_end() -> History:
    stream_events = [*opening(), *writing("x"), completed()]
    stream_events[-3] = ("thread.message.completed", streamed_message("in_progress"))
    stream_events[-2] = ("thread.run.step.completed", step("in_progress"))
    return streamed(*stream_events)


@fails(event_data.created_events_show_the_beginning)
def test_message_created_as_completed() -> History:
    return streamed(*opening(), ("thread.message.created", streamed_message("completed")), completed())


@fails(event_data.created_events_show_the_beginning, at="/events/3/data/content", times=1)
def test_message_created_with_a_part() -> History:
    created = streamed_message("in_progress", content=streamed_message("completed")["content"])
    return streamed(*opening(), ("thread.message.created", created), completed())


@fails(event_data.created_events_show_the_beginning, at="/events/3/data/step_details/tool_calls", times=1)
def test_step_created_with_its_calls() -> History:
    return streamed(*opening(), ("thread.run.step.created", step("in_progress", calls=(call(),))), completed())


@passes(event_data.created_events_show_the_beginning)
def test_step_created_without_calls() -> History:
    created = step("in_progress", calls=(call(),))
    created["step_details"]["tool_calls"] = []
    return streamed(*opening(), ("thread.run.step.created", created), completed())


@fails(object_sequence.objects_are_created_first, at="/events/5/data")
def test_message_in_progress_that_was_never_created() -> History:
    return streamed(*without("thread.message.created"))


@pytest.mark.parametrize("kind", ["created", "in_progress", "delta", "completed"])
@pytest.mark.parametrize("prefix", ["thread.message.", "thread.run.step."])
def test_event_without_an_id_may_be_that_of_any_object(prefix: str, kind: str) -> None:
    shown = [
        (name, {key: value for key, value in data.items() if key != "id"} if name == prefix + kind else data)
        for name, data in plain()
    ]
    assert not [finding for rule in EVERY for finding in findings(rule, streamed(*shown))]


@fails(object_sequence.objects_are_created_first)
def test_step_created_twice() -> History:
    return streamed(*opening(), *writing("x")[:1], *writing("x"), completed())


@fails(object_sequence.objects_end_once)
def test_delta_after_the_end() -> History:
    return streamed(*opening(), *writing("x"), delta("y"), completed())


@fails(object_sequence.what_was_begun_is_ended)
def test_message_without_an_end() -> History:
    return streamed(*without("thread.message.completed"))


def cut(status: str, *ends: tuple[str, Any]) -> History:
    """A stream in which a text begins, these events follow, and the run ends with this status."""
    begun = [event for event in writing("Hel") if not event[0].endswith(".completed")]
    return streamed(*opening(), *begun, *ends, (f"thread.run.{status}", run(status)))


INTERRUPTED = (
    ("thread.message.incomplete", streamed_message("incomplete")),
    ("thread.run.step.cancelled", step("cancelled")),
)


@passes(object_sequence.what_was_begun_is_ended)
def test_message_and_step_of_a_cancelled_run_are_ended() -> History:
    return cut("cancelled", *INTERRUPTED)


def test_a_pass_needs_what_a_cancellation_interrupted() -> None:
    rule = object_sequence.what_was_begun_is_ended
    ((part, _),) = rule.needs_parts
    assert judge(rule, streamed(*plain())) == [PASSED, PASSED]
    assert judge(rule, cut("cancelled", *INTERRUPTED)) == [Passed(part), Passed(part)]


@fails(object_sequence.what_was_begun_is_ended, times=1)
def test_message_of_a_cancelled_run_is_not_ended() -> History:
    return cut("cancelled", ("thread.run.step.cancelled", step("cancelled")))


@fails(object_sequence.what_was_begun_is_ended, times=2)
def test_nothing_is_ended_where_a_run_reaches_its_limit() -> History:
    return cut("incomplete")


@inconclusive(object_sequence.what_was_begun_is_ended)
def test_stream_of_a_run_that_is_being_cancelled_breaks_off() -> History:
    return cut("cancelling")


@inconclusive(object_sequence.what_was_begun_is_ended)
def test_failed_run_may_leave_its_message() -> History:
    return cut("failed")


@fails(object_sequence.what_is_created_is_worked_on)
def test_message_without_in_progress_event() -> History:
    return streamed(*without("thread.message.in_progress"))


@fails(object_sequence.what_is_created_is_worked_on)
def test_step_without_in_progress_event() -> History:
    return streamed(*without("thread.run.step.in_progress"))


def _stream_that_waits(*step_events: str) -> History:
    open_step = step("in_progress", calls=[call()])
    return streamed(
        ("thread.run.created", run()),
        *((f"thread.run.step.{name}", open_step) for name in step_events),
        ("thread.run.requires_action", run("requires_action")),
    )


@passes(object_sequence.what_is_created_is_worked_on)
def test_step_of_calls_with_an_in_progress_event() -> History:
    return _stream_that_waits("created", "in_progress")


@fails(object_sequence.what_is_created_is_worked_on, times=1)
def test_step_of_calls_without_in_progress_event() -> History:
    return _stream_that_waits("created")


def test_step_whose_run_is_cancelled_may_lack_the_in_progress_event() -> None:
    cut = streamed(("thread.run.step.created", step("in_progress")), ("thread.run.cancelled", run("cancelled")))
    assert judge(object_sequence.what_is_created_is_worked_on, cut) == []


@fails(stream_sequence.a_stream_is_about_one_run, at="/events/3/data/run_id")
def test_step_of_another_run() -> History:
    stream_events = plain()
    stream_events[3] = (stream_events[3][0], step("in_progress", run_id="run_b"))
    return streamed(*stream_events)


@fails(stream_sequence.a_stream_is_about_one_run, at="/events/0/data/thread_id")
def test_run_of_another_thread() -> History:
    return streamed(("thread.run.created", run(thread_id="thread_b")), *plain()[1:])


@fails(stream_sequence.a_stream_is_about_one_run, at="/events/0/data/id")
def test_another_thread_is_created() -> History:
    return streamed(("thread.created", thread("thread_b")), *plain(), operation="create_thread_and_run")


@fails(stream_sequence.thread_created_comes_where_one_was)
def test_thread_created_by_a_run() -> History:
    return streamed(*in_new_thread())


@fails(stream_sequence.a_new_thread_opens_its_stream)
def test_thread_created_comes_late() -> History:
    return streamed(*plain()[:1], ("thread.created", thread()), *plain()[1:], operation="create_thread_and_run")


@fails(stream_sequence.a_run_opens_its_stream)
def test_run_that_is_never_queued() -> History:
    return streamed(*without("thread.run.queued"))


def test_missing_first_event_is_named() -> None:
    history = streamed(*without("thread.run.queued"))
    (finding,) = findings(stream_sequence.a_run_opens_its_stream, history)
    assert finding.message == "the stream lacks thread.run.queued"


@fails(stream_sequence.a_run_opens_its_stream)
def test_step_before_the_run_is_in_progress() -> History:
    return streamed(*opening()[:2], *writing("x")[:2], *opening()[2:], *writing("x")[2:], completed())


@passes(stream_sequence.a_run_opens_its_stream)
def test_run_that_fails_immediately() -> History:
    return streamed(opening()[0], ("thread.run.failed", run("failed")))


@fails(stream_sequence.outputs_complete_their_step)
def test_outputs_do_not_complete_their_step() -> History:
    return streamed(*resumed()[1:], operation="submit_tool_outputs")


@permitted
def test_cancelled_before_it_was_resumed() -> History:
    cancelled = [("thread.run.cancelling", run("cancelling")), ("thread.run.cancelled", run("cancelled"))]
    return streamed(*resumed()[:2], *cancelled, operation="submit_tool_outputs")


@fails(stream_sequence.a_step_completes_after_its_message)
def test_step_completes_before_its_message() -> History:
    stream_events = plain()
    stream_events[-3], stream_events[-2] = stream_events[-2], stream_events[-3]
    return streamed(*stream_events)


@permitted
def test_unknown_events_and_members() -> History:
    stream_events = plain()
    return streamed(
        ("ping", "pong"),
        *stream_events[:4],
        ("thread.run.heartbeat", {"n": 1}),
        *stream_events[4:],
        ("thread.billing", {"id": 5}),
    )


@permitted
def test_stream_that_breaks_off() -> History:
    return streamed(
        *plain()[:6], ("error", {"error": {"message": "Sorry.", "type": "server_error", "param": None, "code": None}})
    )


@permitted
def test_stream_that_waits_for_outputs() -> History:
    return streamed(*opening(), *calling('{"city":', '"Paris"}'))


@permitted
def test_run_that_is_cancelled_while_it_streams() -> History:
    return streamed(
        *plain()[:8], ("thread.run.cancelling", run("cancelling")), ("thread.run.cancelled", run("cancelled"))
    )


@fails(stream_sequence.a_message_comes_with_its_step)
def test_stream_without_steps() -> History:
    return streamed(*(event for event in plain() if ".step." not in event[0]))


def _ended(**changes: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_run", events=[*opening(), ("thread.message.completed", streamed_message(**changes))])
    return builder.history()


@passes(event_data.ended_message_says_when)
def test_completed_message_with_its_time() -> History:
    return _ended()


@fails(event_data.ended_message_says_when, at="/events/3/data/completed_at")
def test_completed_message_without_its_time() -> History:
    return _ended(completed_at=None)


@passes(event_data.ended_message_says_when)
def test_incomplete_message_with_its_time_in_a_completed_event() -> History:
    return _ended(status="incomplete")


@fails(event_data.ended_message_says_when, at="/events/3/data/incomplete_at", times=1)
def test_incomplete_message_without_its_time_in_a_completed_event() -> History:
    return _ended(status="incomplete", incomplete_at=None)


@permitted
def test_run_events_that_lack_their_thread() -> History:
    builder = HistoryBuilder()
    body = {"assistant_id": ASSISTANT}
    first = run("queued", thread_id=ABSENT)
    builder.stream(
        "create_thread_and_run",
        ("thread.created", thread()),
        ("thread.run.created", first),
        ("thread.run.completed", run("completed")),
        body=body,
    )
    return builder.history()


def read_after_stream(*read: Any, events: list[tuple[str, Any]], operation: str = "create_run") -> History:
    """A streamed run on a thread of its own, and the messages that are listed afterwards."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    question = message("user", "Hello?", "msg_question")
    builder.send("create_message", question, body={"role": "user", "content": "Hello?"})
    builder.stream(operation, *events)
    builder.send("list_messages", page(*read, question))
    return builder.history()


NO_MESSAGES = [*opening(), completed()]


@passes(stream_sequence.a_run_streams_its_message)
def test_message_is_streamed() -> History:
    return read_after_stream(message(), events=plain())


@passes(stream_sequence.a_run_streams_its_message)
def test_message_is_streamed_under_another_id() -> History:
    return read_after_stream(message(id_="msg_other"), events=plain())


@fails(stream_sequence.a_run_streams_its_message, at="/events", times=1)
def test_message_is_not_streamed() -> History:
    return read_after_stream(message(), events=NO_MESSAGES)


@fails(stream_sequence.a_run_streams_its_message)
def test_message_of_the_only_run_is_not_streamed() -> History:
    return read_after_stream(message(run_id=None), events=NO_MESSAGES)


@permitted
def test_streamed_run_that_writes_no_message() -> History:
    return read_after_stream(events=NO_MESSAGES)


@permitted
def test_streamed_run_on_a_thread_with_the_message_of_another_run() -> History:
    return read_after_stream(message(run_id="run_other"), events=NO_MESSAGES)


def test_assistant_message_of_a_client_is_not_one_of_the_run() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    sent = {"role": "assistant", "content": "Hello."}
    builder.send("create_message", message(run_id=None), body=sent)
    builder.stream("create_run", *NO_MESSAGES)
    builder.send("list_messages", page(message(run_id=None)))
    assert not findings(stream_sequence.a_run_streams_its_message, builder.history())
