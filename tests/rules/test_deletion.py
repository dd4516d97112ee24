"""Deleted objects are gone: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.model.case import DanglingReference, Key, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import PASSED, Inconclusive, Suspicion
from runs_conformance.rules.deletion import deleted_objects, deletion_requests
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted
from tests.rules.histories import (
    ASSISTANT,
    MESSAGE,
    THREAD,
    HistoryBuilder,
    assistant,
    deleted,
    message,
    page,
    run,
    thread,
)

HELLO = {"role": "user", "content": "Hello"}
RUNS = {"assistant_id": ASSISTANT}


def _use_living_thread(builder: HistoryBuilder) -> None:
    """Another thread, on which the same operations work."""
    builder.send("get_thread", thread("thread_b"), thread_id="thread_b")
    builder.send("list_messages", page(), thread_id="thread_b")
    builder.send("create_message", message("user", thread_id="thread_b"), body=HELLO, thread_id="thread_b")
    builder.send("create_run", run(thread_id="thread_b"), body=RUNS, thread_id="thread_b")
    builder.send("get_run", run("completed", thread_id="thread_b"), thread_id="thread_b")


def _thread_deleted(is_deleted: bool, status: int = 404, threads_created: int = 1) -> History:
    builder = HistoryBuilder()
    for _ in range(threads_created):
        builder.send("create_thread", thread())
    _use_living_thread(builder)
    builder.send("delete_thread", deleted("thread_a", "thread"))
    for operation, answer, body in (
        ("get_thread", thread(), None),
        ("list_messages", page(), None),
        ("get_run", run("completed"), None),
        ("create_message", message("user"), HELLO),
        ("create_run", run(), RUNS),
        ("delete_thread", deleted("thread_a", "thread"), None),
    ):
        more: dict[str, Any] = {} if body is None else {"body": body}
        builder.refuse(operation, status, **more) if is_deleted else builder.send(operation, answer, **more)
    return builder.history()


@passes(
    deletion_requests.response_shows_the_deletion,
    deleted_objects.what_is_deleted_cannot_be_read,
    deleted_objects.what_is_deleted_is_answered_404,
    deleted_objects.nothing_is_deleted_twice,
    deleted_objects.deleted_thread_takes_nothing,
    deleted_objects.deleted_thread_shows_nothing,
)
def test_deleted_thread_is_not_found() -> History:
    return _thread_deleted(True)


@fails(
    deleted_objects.what_is_deleted_cannot_be_read,
    deleted_objects.nothing_is_deleted_twice,
    deleted_objects.deleted_thread_takes_nothing,
    deleted_objects.deleted_thread_shows_nothing,
)
def test_deleted_thread_is_shown() -> History:
    return _thread_deleted(False)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_deleted_thread_that_shares_its_id_is_inconclusive(is_deleted: bool) -> None:
    """A read after the deletion may show the other thread."""
    shared = _thread_deleted(is_deleted, 400, threads_created=2)
    for rule in (
        deleted_objects.what_is_deleted_cannot_be_read,
        deleted_objects.nothing_is_deleted_twice,
        deleted_objects.deleted_thread_takes_nothing,
        deleted_objects.deleted_thread_shows_nothing,
        *((deleted_objects.what_is_deleted_is_answered_404,) if is_deleted else ()),
    ):
        assert set(judge(rule, shared)) == {Inconclusive(SHARED_ID)}


def _answer_after_deletion(operation: str, answer: Any) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("create_thread", thread("thread_b"))
    builder.send("delete_thread", deleted(THREAD, "thread"))
    builder.send(operation, answer)
    return builder.history()


@pytest.mark.parametrize("operation", ["get_thread", "modify_thread"])
@pytest.mark.parametrize("answer", [thread("thread_b"), None])
def test_another_object_or_none_in_place_of_the_deleted_one(operation: str, answer: Any) -> None:
    inconclusive(deleted_objects.what_is_deleted_cannot_be_read)(lambda: _answer_after_deletion(operation, answer))()


@pytest.mark.parametrize("id_", [THREAD, 7, ABSENT])
def test_deleted_thread_is_shown_under_any_id_but_that_of_another(id_: Any) -> None:
    fails(deleted_objects.what_is_deleted_cannot_be_read)(
        lambda: _answer_after_deletion("get_thread", thread(id=id_)),
    )()


@pytest.mark.parametrize("items", [(), (message("user", thread_id="thread_b"),)])
def test_list_of_a_deleted_thread_that_shows_nothing_of_it(items: tuple[Any, ...]) -> None:
    inconclusive(deleted_objects.deleted_thread_shows_nothing)(
        lambda: _answer_after_deletion("list_messages", page(*items)),
    )()


@pytest.mark.parametrize("items", [(message("user"),), (message("user", thread_id=ABSENT),)])
def test_list_of_a_deleted_thread_that_shows_its_messages(items: tuple[Any, ...]) -> None:
    fails(deleted_objects.deleted_thread_shows_nothing)(
        lambda: _answer_after_deletion("list_messages", page(*items)),
    )()


@pytest.mark.parametrize(
    ("operation", "answer", "action"),
    [
        ("get_message", message("user"), "shown"),
        ("modify_message", message("user"), "changed"),
        ("delete_message", deleted(MESSAGE), "deleted"),
        ("get_run", run("completed"), "shown"),
        ("modify_run", run("completed"), "changed"),
        ("cancel_run", run("cancelling"), "cancelled"),
        ("submit_tool_outputs", run("in_progress"), "resumed"),
    ],
)
def test_object_of_a_deleted_thread_that_is_used(operation: str, answer: Any, action: str) -> None:
    (finding,) = findings(deleted_objects.deleted_thread_shows_nothing, _answer_after_deletion(operation, answer))
    assert finding.message == f"an object of a deleted thread was {action}"


@inconclusive(deleted_objects.nothing_is_deleted_twice)
def test_second_deletion_that_says_that_it_deleted_nothing() -> History:
    return _answer_after_deletion("delete_thread", {**deleted(THREAD, "thread"), "deleted": False})


@fails(deleted_objects.nothing_is_deleted_twice, times=1)
def test_second_deletion_that_says_nothing() -> History:
    return _answer_after_deletion("delete_thread", None)


@fails(deleted_objects.what_is_deleted_is_answered_404, times=1)
def test_deleted_thread_is_answered_with_400() -> History:
    return _thread_deleted(True, 400)


def test_request_to_a_deleted_thread_that_fails_says_so() -> None:
    failed = _thread_deleted(True, 500)
    for rule in (deleted_objects.deleted_thread_takes_nothing, deleted_objects.nothing_is_deleted_twice):
        results = judge(rule, failed)
        assert results
        assert all(isinstance(each, Suspicion) and " got HTTP 500, which is neither" in each.reason for each in results)


@fails(deletion_requests.response_shows_the_deletion, at="/deleted", times=1)
def test_deletion_with_deleted_false() -> History:
    builder = HistoryBuilder()
    builder.send("delete_message", {**deleted("msg_a"), "deleted": False})
    return builder.history()


@inconclusive(
    deleted_objects.what_is_deleted_cannot_be_read,
    deleted_objects.what_is_deleted_is_answered_404,
    deleted_objects.deleted_thread_takes_nothing,
    deleted_objects.deleted_thread_shows_nothing,
)
def test_operations_that_refuse_living_threads_too() -> History:
    builder = HistoryBuilder()
    for thread_id in ("thread_b", "thread_a"):
        for operation in ("get_thread", "list_messages"):
            builder.refuse(operation, 404, thread_id=thread_id)
        for operation in ("create_message", "create_run"):
            builder.refuse(operation, 404, body=HELLO, thread_id=thread_id)
        if thread_id == "thread_b":
            builder.send("delete_thread", deleted("thread_a", "thread"))
    return builder.history()


@inconclusive(deleted_objects.what_is_deleted_cannot_be_read)
def test_thread_that_was_not_deleted_by_its_own_account() -> History:
    builder = HistoryBuilder()
    builder.send("delete_thread", {**deleted("thread_a", "thread"), "deleted": False})
    builder.send("get_thread", thread())
    return builder.history()


def _assistant_deleted(runs: bool) -> History:
    builder = HistoryBuilder()
    builder.create_run(run(assistant_id="asst_b"), body={"assistant_id": "asst_b"})
    builder.send("delete_assistant", deleted(ASSISTANT, "assistant"))
    builder.send("create_run", run(), body=RUNS) if runs else builder.refuse("create_run", 404, body=RUNS)
    return builder.history()


@passes(deleted_objects.deleted_assistant_runs_nothing)
def test_deleted_assistant_is_not_found() -> History:
    return _assistant_deleted(False)


@fails(deleted_objects.deleted_assistant_runs_nothing, times=1)
def test_assistant_that_runs_on() -> History:
    return _assistant_deleted(True)


def _refused(is_deleted: bool, status: int = 404, works: bool = True) -> History:
    builder = HistoryBuilder()
    if works:
        builder.send("delete_message", deleted("msg_o"), message_id="msg_o")
    builder.send("get_message", message("user"))
    builder.refuse("delete_message", status, thread_id="thread_z")
    builder.refuse("get_message", 404) if is_deleted else builder.send("get_message", message("user"))
    return builder.history()


@passes(deletion_requests.refused_deletion_deletes_nothing)
def test_deletion_by_the_path_of_another_thread() -> History:
    return _refused(False)


@fails(deletion_requests.refused_deletion_deletes_nothing, times=1)
def test_refused_deletion_that_deletes() -> History:
    return _refused(True)


def _refused_by_its_own_path(status: int = 404, runs: bool = True) -> History:
    builder = HistoryBuilder()
    builder.send("get_message", message("user"))
    if runs:
        builder.see_statuses("queued", "completed")
    builder.refuse("delete_message", status)
    builder.refuse("get_message", 404)
    return builder.history()


@inconclusive(deletion_requests.refused_deletion_deletes_nothing)
def test_object_that_a_run_may_have_lost_before_its_deletion() -> History:
    return _refused_by_its_own_path()


@fails(deletion_requests.refused_deletion_deletes_nothing, times=1)
def test_object_that_is_gone_after_a_deletion_that_found_nothing() -> History:
    return _refused_by_its_own_path(runs=False)


@fails(deletion_requests.refused_deletion_deletes_nothing, times=1)
def test_object_that_is_gone_after_a_deletion_that_was_not_allowed_later() -> History:
    return _refused_by_its_own_path(400)


@fails(deletion_requests.refused_deletion_deletes_nothing, times=1)
def test_deletion_that_is_not_allowed_and_still_deletes() -> History:
    return _refused(True, 405)


@pytest.mark.parametrize("status", [405, 501])
def test_deletion_that_is_not_offered_deletes_nothing(status: int) -> None:
    assert judge(deletion_requests.refused_deletion_deletes_nothing, _refused(False, status)) == []


@passes(deletion_requests.refused_deletion_deletes_nothing)
def test_deletion_by_the_path_of_another_thread_before_one_by_its_own() -> History:
    builder = HistoryBuilder()
    builder.send("get_message", message("user"))
    builder.refuse("delete_message", 404, thread_id="thread_z")
    builder.send("get_message", message("user"))
    builder.send("delete_message", deleted("msg_a"))
    return builder.history()


@inconclusive(deletion_requests.refused_deletion_deletes_nothing)
def test_deletion_that_is_never_accepted() -> History:
    return _refused(False, works=False)


@permitted
def test_deletion_of_messages_is_not_implemented() -> History:
    builder = HistoryBuilder()
    builder.send("get_message", message("user"))
    builder.refuse("delete_message", 405)
    builder.send("delete_thread", deleted(THREAD, "thread"))
    builder.refuse("get_message", 404)
    return builder.history()


@permitted
def test_deletion_at_the_same_moment_as_a_read() -> History:
    builder = HistoryBuilder()
    builder.send("delete_assistant", deleted(ASSISTANT, "assistant"), at=100.0, took=2.0)
    builder.send("get_assistant", assistant(), at=101.0, took=0.5)
    return builder.history()


def _deleted_by(key: Key) -> History:
    """An assistant is deleted with a key, as the response says, and shown afterwards."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    deletion = Step(operation="delete_assistant", key=key)
    builder.send("delete_assistant", deleted(ASSISTANT, "assistant"), step=deletion)
    builder.send("get_assistant", assistant())
    builder.send("delete_assistant", deleted(ASSISTANT, "assistant"))
    return builder.history()


@inconclusive(deleted_objects.what_is_deleted_cannot_be_read, deleted_objects.nothing_is_deleted_twice)
def test_deletion_with_the_key_of_another_tenant() -> History:
    return _deleted_by(Key.SECOND)


@fails(deleted_objects.what_is_deleted_cannot_be_read, deleted_objects.nothing_is_deleted_twice, times=1)
def test_deletion_with_the_key_of_the_owner() -> History:
    return _deleted_by(Key.PRIMARY)


@passes(deletion_requests.refused_deletion_deletes_nothing)
def test_another_tenant_neither_deletes_nor_sees_the_object() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    builder.send("get_assistant", assistant())
    for operation in ("delete_assistant", "get_assistant"):
        builder.refuse(operation, 404, step=Step(operation=operation, key=Key.SECOND))
    builder.send("get_assistant", assistant())
    builder.send("delete_assistant", deleted("asst_b", "assistant"), assistant_id="asst_b")
    return builder.history()


@permitted
def test_run_of_a_deleted_thread_is_shown() -> History:
    builder = HistoryBuilder()
    builder.send("delete_thread", deleted("thread_a", "thread"))
    builder.send("get_run", run("completed"))
    return builder.history()


def _answer_deleted(run_status: str, http_status: int, twice: bool = False) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [HELLO]})
    builder.see_statuses("queued", run_status)
    builder.send("list_messages", page(message(), message("user", "Hello", "msg_u")))
    if twice:
        builder.lose_answer("delete_message")
    if http_status == 200:
        builder.send("delete_message", deleted("msg_a"))
    else:
        builder.refuse("delete_message", http_status)
    return builder.history()


@passes(deletion_requests.message_can_be_deleted)
def test_answer_that_is_deleted() -> History:
    return _answer_deleted("completed", 200)


@fails(deletion_requests.message_can_be_deleted, times=1)
def test_answer_that_cannot_be_deleted() -> History:
    return _answer_deleted("completed", 400)


@inconclusive(deletion_requests.message_can_be_deleted)
def test_answer_under_a_run_that_waits() -> History:
    return _answer_deleted("requires_action", 400)


@inconclusive(deletion_requests.message_can_be_deleted)
def test_message_may_have_been_deleted() -> History:
    return _answer_deleted("completed", 404, twice=True)


@inconclusive(deletion_requests.message_can_be_deleted)
def test_messages_that_go_with_their_thread_only() -> History:
    return _answer_deleted("completed", 405)


def _deleted_through_another_thread(deletion: Step | None) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user"), body=HELLO)
    builder.send("delete_message", deleted("msg_a"), thread_id="thread_b", step=deletion)
    builder.send("get_message", message("user"))
    builder.send("delete_message", deleted("msg_a"))
    builder.refuse("get_message", 404)
    builder.send("get_message", message("user", id_="msg_b"), message_id="msg_b")
    return builder.history()


def test_deletion_through_another_thread_deletes_nothing() -> None:
    foreign = Step(operation="delete_message", dangling=DanglingReference.FOREIGN)
    for step in (foreign, None):  # Recorded traffic shows by its creation that the message is of another thread.
        history = _deleted_through_another_thread(step)
        assert judge(deleted_objects.what_is_deleted_cannot_be_read, history) == [PASSED]
        assert judge(deleted_objects.nothing_is_deleted_twice, history) == []
