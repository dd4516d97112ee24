from __future__ import annotations

from typing import Any

from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.rules import lock
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import ASSISTANT, Told, assistant, deleted, message, page, run, thread

HELLO = {"role": "user", "content": "Hello"}
SECOND = run("queued", id_="run_b")


def _begin() -> Told:
    tell = Told()
    tell.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    tell.send("create_thread", thread(), body={"messages": [HELLO]})
    return tell


def _message(tell: Told, taken: bool) -> None:
    if taken:
        tell.send("create_message", message("user", "Hello", "msg_u"), body=HELLO)
    else:
        tell.refuse("create_message", text="Can't add messages to thread_a while a run run_a is active.", body=HELLO)


def _second_run(tell: Told, taken: bool) -> None:
    body = {"assistant_id": ASSISTANT}
    if taken:
        tell.send("create_run", SECOND, body=body)
    else:
        tell.refuse("create_run", text="Thread thread_a already has an active run run_a.", body=body)


def _attempts(before: str, after: str, message_taken: bool, run_taken: bool) -> History:
    tell = _begin()
    tell.looks("queued", before)
    _message(tell, message_taken)
    tell.get_run(run(after))
    _second_run(tell, run_taken)
    tell.get_run(run(after))
    return tell.history()


@holds(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works)
def test_thread_that_is_locked_while_a_run_waits() -> History:
    return _attempts("requires_action", "requires_action", False, False)


@breaks(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_that_is_not_locked_while_a_run_waits() -> History:
    return _attempts("requires_action", "requires_action", True, True)


@breaks(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_that_is_not_locked_while_a_run_is_in_progress() -> History:
    return _attempts("in_progress", "in_progress", True, True)


@breaks(lock.no_second_run_while_a_run_works, times=1)
def test_second_run_that_takes_the_place_of_the_first() -> History:
    tell = _begin()
    tell.looks("queued", "requires_action")
    _second_run(tell, True)
    tell.get_run(run("cancelled"))
    return tell.history()


@holds(lock.no_message_while_a_run_is_queued_or_cancelling, lock.no_second_run_while_a_run_is_queued_or_cancelling)
def test_thread_that_is_locked_while_a_run_is_queued() -> History:
    return _attempts("queued", "queued", False, False)


@breaks(
    lock.no_message_while_a_run_is_queued_or_cancelling,
    lock.no_second_run_while_a_run_is_queued_or_cancelling,
    times=1,
)
def test_thread_that_is_not_locked_while_a_run_is_cancelled() -> History:
    return _attempts("cancelling", "cancelling", True, True)


@legal
def test_run_that_ends_under_the_attempt() -> History:
    return _attempts("in_progress", "completed", True, True)


def _afterwards(taken: bool, status: str = "completed", **changes: Any) -> History:
    tell = _begin()
    tell.looks("queued", status)
    _message(tell, taken)
    _second_run(tell, taken)
    return tell.history()


@holds(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_thread_that_is_free_again() -> History:
    return _afterwards(True, "cancelled")


@breaks(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end, times=1)
def test_thread_that_stays_locked() -> History:
    return _afterwards(False, "expired")


@undecided(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_message_that_is_refused_for_what_it_is() -> History:
    tell = _begin()
    tell.looks("queued", "completed")
    tell.refuse("create_message", body={"role": "user", "content": ""})
    tell.refuse("create_run", body={"assistant_id": ASSISTANT, "model": "no-such-model"})
    return tell.history()


@undecided(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_lock_of_a_run_that_was_not_recorded() -> History:
    tell = _begin()
    tell.looks("queued", "completed")
    tell.refuse("create_message", text="Can't add messages to thread_a while a run run_z is active.", body=HELLO)
    return tell.history()


@undecided(lock.message_is_taken_after_the_end)
def test_thread_of_which_not_all_is_known() -> History:
    tell = Told()
    tell.looks("queued", "completed")
    _message(tell, False)
    return tell.history()


def _elsewhere(taken: bool) -> History:
    tell = _begin()
    tell.send("create_thread", thread("thread_b"), body={"messages": [HELLO]})
    tell.looks("queued", "in_progress")
    step = Step(operation="create_message")
    if taken:
        said = message("user", "Hello", "msg_b", thread_id="thread_b")
        tell.send("create_message", said, body=HELLO, thread_id="thread_b", step=step)
    else:
        tell.refuse("create_message", body=HELLO, thread_id="thread_b", step=step)
    tell.get_run(run("in_progress"))
    return tell.history()


@holds(lock.keeps_nobody_out_elsewhere)
def test_another_thread_that_is_free() -> History:
    return _elsewhere(True)


@breaks(lock.keeps_nobody_out_elsewhere, times=1)
def test_another_thread_that_is_locked_too() -> History:
    return _elsewhere(False)


@undecided(lock.no_message_while_a_run_works, lock.message_is_taken_after_the_end)
def test_attempt_that_is_answered_429() -> History:
    tell = _begin()
    tell.looks("queued", "requires_action")
    tell.refuse("create_message", 429, body=HELLO)
    tell.get_run(run("requires_action"))
    return tell.history()


STEP = Step(operation="list_messages")


@holds(lock.reads_go_on, lock.metadata_can_be_modified)
def test_locked_thread_that_is_read() -> History:
    tell = _begin()
    tell.looks("queued", "requires_action")
    tell.send("list_messages", page(message("user", "Hello")), step=STEP)
    tell.send("modify_thread", thread(metadata={"a": "b"}), body={"metadata": {"a": "b"}}, step=STEP)
    tell.get_run(run("requires_action"))
    return tell.history()


@breaks(lock.reads_go_on, lock.metadata_can_be_modified)
def test_locked_thread_that_is_not_read() -> History:
    tell = _begin()
    tell.looks("queued", "requires_action")
    tell.refuse("list_messages", step=STEP)
    tell.refuse("modify_thread", body={"metadata": {"a": "b"}}, step=STEP)
    tell.get_run(run("requires_action"))
    return tell.history()


def _in_vain(taken: bool, gone: bool = False, content: str = "Hello") -> History:
    tell = _begin()
    tell.refuse("create_run", 404, body={"assistant_id": "asst_z"})
    if gone:
        tell.send("delete_thread", deleted("thread_a", "thread"))
    step, body = Step(operation="create_message"), {"role": "user", "content": content}
    if taken:
        tell.send("create_message", message("user", content, "msg_u"), body=body, step=step)
    else:
        tell.refuse("create_message", body=body, step=step)
    return tell.history()


@holds(lock.refused_run_holds_no_lock)
def test_thread_that_is_free_after_a_refused_run() -> History:
    return _in_vain(True)


@breaks(lock.refused_run_holds_no_lock, times=1)
def test_thread_that_a_refused_run_has_locked() -> History:
    return _in_vain(False)


@undecided(lock.refused_run_holds_no_lock)
def test_message_that_is_refused_for_what_it_is_after_a_refused_run() -> History:
    return _in_vain(False, content="")


@undecided(lock.refused_run_holds_no_lock)
def test_message_to_a_thread_that_was_deleted_after_a_refused_run() -> History:
    return _in_vain(False, gone=True)


@undecided(lock.refused_run_holds_no_lock)
def test_thread_on_which_a_run_may_have_been_started() -> History:
    tell = _begin()
    tell.refuse("create_run", 404, body={"assistant_id": "asst_z"})
    tell.lost("create_run", body={"assistant_id": ASSISTANT})
    tell.refuse("create_message", body=HELLO, step=Step(operation="create_message"))
    return tell.history()
