"""Messages are stored as sent: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END
from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Passed, Suspicion
from runs_conformance.rules.messages import run_messages, stored_messages, supplied_with_run
from tests.rules.examples import fails, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import (
    ASSISTANT,
    RUN,
    T0,
    HistoryBuilder,
    message,
    page,
    run,
    step,
    streamed_message,
    text,
    thread,
)

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def _sent(content: Any, shown: Any, **changes: Any) -> History:
    builder = HistoryBuilder()
    sent = message("user", id_="msg_u", content=shown, **changes)
    builder.send("create_message", sent, body={"role": "user", "content": content})
    builder.send("get_message", sent, message_id="msg_u")
    return builder.history()


@passes(
    stored_messages.created_message_shows_what_was_sent,
    stored_messages.sent_message_has_no_run,
    stored_messages.user_message_has_no_assistant,
    stored_messages.stays_as_it_is,
)
def test_text() -> History:
    return _sent("Hello", text("Hello"))


@passes(stored_messages.created_message_shows_what_was_sent)
def test_parts() -> History:
    shown = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}}
    return _sent([{"type": "text", "text": "Hello"}, IMAGE], [*text("Hello"), shown])


def test_message_that_was_sent_with_escaped_characters() -> None:
    for escaped, part in ((False, ""), (True, "a text with escaped characters, some of them surrogate pairs")):
        builder = HistoryBuilder()
        body = {"role": "user", "content": "A smile: 🙂"}
        sent = Step(operation="create_message", escaped=escaped)
        builder.send("create_message", message("user", "A smile: 🙂"), body=body, step=sent)
        assert judge(stored_messages.created_message_shows_what_was_sent, builder.history())[-1] == Passed(part)


@fails(stored_messages.created_message_shows_what_was_sent, at="/content", times=1)
def test_text_that_is_trimmed() -> History:
    return _sent(" Hello\n", text("Hello"))


@fails(stored_messages.created_message_shows_what_was_sent, at="/content", times=1)
def test_parts_that_are_reversed() -> History:
    return _sent([{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}], [*text("Two"), *text("One")])


def _created_without_content(role: str) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message(role, content=ABSENT), body={"role": "user", "content": "Hello"})
    return builder.history()


def test_response_without_content_does_not_show_another() -> None:
    results = judge(stored_messages.created_message_shows_what_was_sent, _created_without_content("user"))
    assert results == [PASSED, Suspicion("the response has no `content`")]


@fails(stored_messages.created_message_shows_what_was_sent, at="/role", times=1)
def test_role_that_is_ignored_in_a_response_without_content() -> History:
    return _created_without_content("assistant")


@fails(stored_messages.created_message_shows_what_was_sent, at="/role", times=1)
def test_role_that_is_ignored() -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello"), body={"role": "assistant", "content": "Hello"})
    return builder.history()


@fails(stored_messages.sent_message_has_no_run, at="/run_id")
def test_message_that_names_a_run() -> History:
    return _sent("Hello", text("Hello"), run_id="run_a")


@fails(stored_messages.sent_message_has_no_run, at="/data/0/run_id", times=1)
def test_first_message_that_names_the_run() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [{"role": "user", "content": "Hello"}]})
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(message("user", "Hello", run_id="run_a")))
    return builder.history()


@inconclusive(stored_messages.sent_message_has_no_run)
def test_answer_that_is_shown_with_role_user_is_no_message_of_a_caller() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page({**message(), "role": "user"}))
    return builder.history()


@fails(stored_messages.user_message_has_no_assistant, at="/assistant_id")
def test_question_that_names_an_assistant() -> History:
    return _sent("Hello", text("Hello"), assistant_id=ASSISTANT)


@fails(stored_messages.stays_as_it_is, at="/content", times=1)
def test_message_whose_content_changes() -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello"), body={"role": "user", "content": "Hello"})
    builder.send("get_message", message("user", "Hell"))
    return builder.history()


def _reread(created: dict[str, Any], read: dict[str, Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user", "Hello", **created), body={"role": "user", "content": "Hello"})
    builder.send("get_message", message("user", "Hello", **read))
    return builder.history()


@permitted
def test_content_of_another_type_in_one_response() -> History:
    return _reread({"content": "Hello"}, {})


@permitted
def test_content_without_annotations_in_one_response() -> History:
    return _reread({}, {"content": [{"type": "text", "text": {"value": "Hello"}}]})


@passes(stored_messages.stays_as_it_is)
def test_attachments_that_are_null_or_empty() -> History:
    return _reread({"attachments": None}, {"attachments": []})


@fails(stored_messages.stays_as_it_is, at="/attachments", times=1)
def test_attachments_that_are_lost() -> History:
    attachment = {"file_id": "file_a", "tools": [{"type": "file_search"}]}
    return _reread({"attachments": [attachment]}, {"attachments": None})


@permitted
def test_message_that_grows_while_the_run_works() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_messages", page(message(text_value="Hel")))
    builder.get_run(run("completed"))
    builder.send("list_messages", page(message(text_value="Hello.")))
    return builder.history()


def _ran(steps: list[Any], **changes: Any) -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(message(**changes)))
    builder.send("list_run_steps", page(*steps))
    return builder.history()


@passes(run_messages.answer_names_its_assistant, run_messages.answer_has_a_step)
def test_answer() -> History:
    return _ran([step()])


@fails(run_messages.answer_names_its_assistant, at="/data/0/assistant_id", times=1)
def test_answer_without_an_assistant() -> History:
    return _ran([step()], assistant_id=None)


@fails(run_messages.answer_names_its_assistant, at="/data/0/role", times=1)
def test_answer_with_role_user() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page({**message(), "role": "user"}))
    return builder.history()


@inconclusive(run_messages.answer_names_its_assistant)
def test_message_of_the_caller_that_names_a_run() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("create_message", {**message(), "role": "user"}, body={"role": "user", "content": "Hello."})
    return builder.history()


@inconclusive(run_messages.answer_names_its_assistant, run_messages.answer_has_a_step)
def test_sent_messages_that_a_list_shows_with_a_run() -> History:
    first, second = ({"role": "user", "content": content} for content in ("First.", "Second."))
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [first]})
    builder.send("create_message", message("user", "Second.", "msg_2"), body=second)
    builder.see_statuses("queued", "completed")
    listed = (message("user", "Second!", "msg_2", run_id=RUN), message("user", "First.", "msg_1", run_id=RUN))
    builder.send("list_messages", page(*listed))
    builder.send("list_run_steps", page())
    return builder.history()


def _cancelled(*shown: dict[str, Any], status: str = "cancelled") -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "in_progress")
    builder.send("list_messages", page(streamed_message("in_progress")))
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run(status))
    for each in shown:
        builder.send("list_messages", page(each))
    return builder.history()


@passes(run_messages.end_with_their_run)
def test_message_ends_with_its_cancelled_run() -> History:
    return _cancelled(streamed_message("incomplete", incomplete_details={"reason": "run_cancelled"}))


@fails(run_messages.end_with_their_run, at="/data/0/status", times=1)
def test_message_of_a_cancelled_run_stays_in_progress() -> History:
    return _cancelled(streamed_message("in_progress"))


@fails(run_messages.end_with_their_run, at="/data/0/status", times=1)
def test_message_of_a_completed_run_stays_in_progress() -> History:
    return _cancelled(streamed_message("in_progress"), status="completed")


@inconclusive(run_messages.end_with_their_run)
def test_message_of_a_run_that_is_being_cancelled() -> History:
    return _cancelled(streamed_message("in_progress"), status="cancelling")


@inconclusive(run_messages.end_with_their_run)
def test_stored_message_shows_no_status() -> History:
    return _cancelled(message())


@inconclusive(run_messages.end_with_their_run)
def test_message_of_a_caller_has_a_status_of_its_own() -> History:
    return _cancelled({**streamed_message("in_progress"), "role": "user", "run_id": None, "assistant_id": None})


@fails(run_messages.answer_has_a_step, at="/data", times=1)
def test_answer_without_step() -> History:
    return _ran([])


@permitted
def test_model_with_an_empty_answer() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page())
    builder.send("list_run_steps", page())
    return builder.history()


@passes(stored_messages.are_not_lost)
def test_thread_that_keeps_its_messages() -> History:
    return _lists([message("user", id_="msg_u")], [message(), message("user", id_="msg_u")])


@fails(stored_messages.are_not_lost, at="/data", times=1)
def test_thread_that_loses_a_message() -> History:
    return _lists([message("user", id_="msg_u")], [message()])


@suspicious(stored_messages.are_not_lost)
def test_thread_that_lists_a_message_as_one_of_another_thread() -> History:
    return _lists([message("user", id_="msg_u")], [message("user", id_="msg_u", thread_id="thread_b")])


@inconclusive(stored_messages.are_not_lost)
def test_thread_that_lists_messages_without_ids() -> History:
    return _lists([message("user", id_="")], [message("user", id_="")])


@inconclusive(stored_messages.are_not_lost)
def test_thread_that_lists_a_message_without_its_id() -> History:
    return _lists([message("user", id_="msg_u")], [message("user", id_="")])


@suspicious(run_messages.answer_has_a_step)
def test_step_of_the_answer_that_names_another_thread() -> History:
    return _ran([step(thread_id="thread_b")])


def _lists(*pages: list[Any]) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for items in pages:
        builder.send("list_messages", page(*items))
    return builder.history()


@fails(stored_messages.are_not_lost, at="/data", times=1)
def test_deletion_of_one_message_that_empties_the_thread() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(message("user", id_="msg_u"), message("user", id_="msg_v")))
    builder.send("delete_message", {"id": "msg_u", "deleted": True}, message_id="msg_u")
    builder.send("list_messages", page())
    return builder.history()


@passes(stored_messages.created_message_shows_its_attachments)
def test_attachments() -> History:
    return _attached([{"file_id": "file-a", "tools": [{"type": "file_search"}]}])


@fails(stored_messages.created_message_shows_its_attachments, at="/attachments", times=1)
def test_attachments_that_are_ignored() -> History:
    return _attached([])


def _attached(shown: list[Any]) -> History:
    builder = HistoryBuilder()
    sent = [{"file_id": "file-a", "tools": [{"type": "file_search"}]}]
    body = {"role": "user", "content": "Hello", "attachments": sent}
    builder.send("create_message", message("user", "Hello", attachments=shown), body=body)
    return builder.history()


@passes(stored_messages.are_not_lost)
def test_thread_with_a_deleted_message() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(message("user", id_="msg_u")))
    builder.send("delete_message", {"id": "msg_u", "deleted": True}, message_id="msg_u")
    builder.send("list_messages", page())
    return builder.history()


ADDED = [
    {"role": "assistant", "content": "Go ahead."},
    {"role": "user", "content": [{"type": "text", "text": "What is a run?"}], "metadata": {"place": "second"}},
]


def _added(*shown: dict[str, Any], order: str = "asc", has_more: bool = False) -> History:
    builder = HistoryBuilder()
    builder.create_run(body={"assistant_id": ASSISTANT, "additional_messages": ADDED})
    builder.get_run(run("completed"))
    items = shown if order == "asc" else shown[::-1]
    builder.send("list_messages", page(*items, has_more=has_more), query={"order": order})
    return builder.history()


QUESTION = message("user", "I have a question.", "msg_0", created_at=T0 - 9)
FIRST = message("user", "Go ahead.", "msg_1")
FIRST["role"] = "assistant"
SECOND = message("user", "What is a run?", "msg_2", metadata={"place": "second"})
ANSWER = message("assistant", "It runs.", "msg_3")


@passes(
    supplied_with_run.additional_messages_are_in_the_thread,
    supplied_with_run.additional_messages_keep_their_order,
    supplied_with_run.additional_messages_come_before_the_answer,
    supplied_with_run.given_messages_keep_their_metadata,
)
def test_additional_messages() -> History:
    return _added(QUESTION, FIRST, SECOND, ANSWER, order="desc")


@fails(supplied_with_run.additional_messages_are_in_the_thread, at="/data", times=1)
def test_additional_message_that_is_dropped() -> History:
    return _added(QUESTION, SECOND, ANSWER)


def test_additional_message_in_a_list_that_is_not_shown_to_its_end_is_inconclusive() -> None:
    shown = _added(QUESTION, SECOND, ANSWER, has_more=True)
    results = judge(supplied_with_run.additional_messages_are_in_the_thread, shown)
    assert results == [Inconclusive(NOT_SHOWN_TO_ITS_END)]


@fails(supplied_with_run.additional_messages_keep_their_order, at="/data", times=1)
def test_additional_messages_that_are_reversed() -> History:
    return _added(QUESTION, SECOND, FIRST, ANSWER)


@fails(supplied_with_run.additional_messages_keep_their_order, at="/data", times=1)
def test_additional_message_after_the_answer() -> History:
    return _added(QUESTION, FIRST, ANSWER, SECOND)


@inconclusive(supplied_with_run.additional_messages_keep_their_order)
def test_additional_messages_in_a_list_in_another_order_than_requested() -> History:
    return _added(ANSWER, SECOND, FIRST, QUESTION)


@fails(supplied_with_run.additional_messages_come_before_the_answer, times=1)
def test_additional_message_created_after_the_answer() -> History:
    return _added(QUESTION, FIRST, {**SECOND, "created_at": T0 + 5}, ANSWER)


@inconclusive(supplied_with_run.additional_messages_are_in_the_thread)
def test_listed_message_without_a_role_may_be_the_additional_one() -> History:
    return _added(QUESTION, {key: value for key, value in FIRST.items() if key != "role"}, SECOND, ANSWER)


@inconclusive(supplied_with_run.given_messages_keep_their_metadata)
def test_additional_message_listed_without_the_member_metadata() -> History:
    return _added(QUESTION, FIRST, {key: value for key, value in SECOND.items() if key != "metadata"}, ANSWER)


@fails(supplied_with_run.given_messages_keep_their_metadata, times=1)
def test_additional_message_without_its_metadata() -> History:
    return _added(QUESTION, FIRST, {**SECOND, "metadata": {}}, ANSWER)


_ATTACHED: list[Any] = [{"file_id": "file-a", "tools": [{"type": "file_search"}]}]


def _given_with_attachments(operation: str, *shown: Any) -> History:
    """A message with an attachment in a request, and the attachments of the messages listed with its content."""
    builder = HistoryBuilder()
    given = [{"role": "user", "content": "Hello", "attachments": _ATTACHED}, {"role": "user", "content": "Bye"}]
    if operation == "create_run":
        builder.create_run(body={"assistant_id": ASSISTANT, "additional_messages": given})
    else:
        builder.send("create_thread", thread(), body={"messages": given})
    stored = [message("user", "Hello", f"msg_{index}", attachments=each) for index, each in enumerate(shown)]
    builder.send(
        "list_messages", page(*stored, message("user", "Bye", "msg_b", attachments=[])), query={"order": "asc"}
    )
    return builder.history()


@pytest.mark.parametrize("operation", ["create_run", "create_thread"])
@pytest.mark.parametrize(
    ("shown", "result"),
    [
        ([_ATTACHED], Passed),
        ([[{**_ATTACHED[0], "id": "att_1"}]], Passed),
        ([[], _ATTACHED], Passed),
        ([[{"file_id": "file-a", "tools": []}]], Finding),
        ([None], Finding),
        ([ABSENT], None),
    ],
)
def test_attachments_of_a_given_message(operation: str, shown: list[Any], result: type | None) -> None:
    results = judge(supplied_with_run.given_messages_keep_their_attachments, _given_with_attachments(operation, *shown))
    assert [type(each) for each in results] == ([] if result is None else [result])


@passes(supplied_with_run.given_messages_keep_their_attachments)
def test_given_message_with_its_attachments() -> History:
    return _given_with_attachments("create_run", _ATTACHED)


@fails(supplied_with_run.given_messages_keep_their_attachments, at="/data/0/attachments", times=1)
def test_given_message_without_its_attachments() -> History:
    return _given_with_attachments("create_thread", [])


@passes(supplied_with_run.additional_messages_come_before_the_answer)
def test_additional_message_whose_time_is_in_milliseconds() -> History:
    return _added(QUESTION, {**FIRST, "created_at": T0 * 1000}, SECOND, ANSWER)


@permitted
def test_equal_message_after_the_answer() -> History:
    builder = HistoryBuilder()
    builder.create_run(body={"assistant_id": ASSISTANT, "additional_messages": ADDED})
    builder.get_run(run("completed"))
    again = message("user", "What is a run?", "msg_9", created_at=T0 + 30)
    builder.send("create_message", again, body={"role": "user", "content": "What is a run?"})
    builder.send("list_messages", page(FIRST, SECOND, ANSWER, again), query={"order": "asc"})
    return builder.history()


def _image(shown: str) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    url = "https://example.com/a.png"
    sent = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    stored = message("user", content=[{"type": "image_url", "image_url": {"url": url, "detail": shown}}])
    builder.send("create_message", stored, body={"role": "user", "content": sent})
    return builder.history()


@passes(stored_messages.created_message_shows_the_detail_of_images)
def test_image_with_its_detail() -> History:
    return _image("low")


@fails(stored_messages.created_message_shows_the_detail_of_images, at="/content/0/image_url/detail")
def test_image_with_another_detail() -> History:
    return _image("auto")


def _first_messages(count: int, shown: int, later: bool = False) -> History:
    """Lists of a thread: complete with `count` messages, then with the newest `shown`; `later` reads the oldest."""
    items = [message("user", f"No. {n}", f"msg_{n}", created_at=T0 + n) for n in reversed(range(count))]
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*items), query={"limit": 100})
    builder.send("list_messages", page(*items[:shown]))
    if later:
        builder.send("get_message", items[-1], message_id=items[-1]["id"])
    return builder.history()


@suspicious(stored_messages.are_not_lost)
def test_list_that_ends_after_ten_messages_loses_none() -> History:
    return _first_messages(12, 10)


@inconclusive(stored_messages.are_not_lost)
def test_message_that_can_still_be_read_is_not_lost() -> History:
    return _first_messages(4, 3, later=True)


@fails(stored_messages.are_not_lost, times=1)
def test_last_message_of_a_short_list_is_lost() -> History:
    return _first_messages(4, 3)


@passes(stored_messages.are_not_lost, stored_messages.sent_message_has_no_run)
def test_list_of_all_threads_loses_no_foreign_message() -> History:
    foreign = message("user", "Elsewhere", "msg_z", thread_id="thread_z", run_id="run_z")
    return _lists([message("user", id_="msg_u"), foreign], [message("user", id_="msg_u")])


@permitted
def test_invalid_content_that_was_accepted_is_not_compared() -> History:
    builder = HistoryBuilder()
    invalid = Step(
        operation="create_message",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/content", "type", "Hello", 5),
    )
    builder.send("create_message", message("user", "5", "msg_u"), body={"role": "user", "content": 5}, step=invalid)
    builder.send("get_message", message("user", "five", "msg_u"), message_id="msg_u")
    return builder.history()
