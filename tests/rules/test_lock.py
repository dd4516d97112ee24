"""An active run locks its thread: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.model.rule import Rule
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed
from runs_conformance.rules import lock
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import ASSISTANT, HistoryBuilder, assistant, deleted, error, message, page, run, thread

HELLO = {"role": "user", "content": "Hello"}
SECOND = run("queued", id_="run_b")


def _start() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("create_thread", thread(), body={"messages": [HELLO]})
    return builder


def _message(builder: HistoryBuilder, accepted: bool) -> None:
    if accepted:
        builder.send("create_message", message("user", "Hello", "msg_u"), body=HELLO)
    else:
        builder.refuse("create_message", text="Can't add messages to thread_a while a run run_a is active.", body=HELLO)


def _second_run(builder: HistoryBuilder, accepted: bool) -> None:
    body = {"assistant_id": ASSISTANT}
    if accepted:
        builder.send("create_run", SECOND, body=body)
    else:
        builder.refuse("create_run", text="Thread thread_a already has an active run run_a.", body=body)


def _two_attempts(before: str, after: str, message_taken: bool, run_taken: bool, *later: str) -> History:
    builder = _start()
    builder.see_statuses("queued", before)
    _message(builder, message_taken)
    builder.get_run(run(after))
    _second_run(builder, run_taken)
    builder.get_run(run(after))
    for status in later:
        builder.send("list_runs", page(run(status)))
    return builder.history()


@passes(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works)
def test_thread_that_is_locked_while_a_run_waits() -> History:
    return _two_attempts("requires_action", "requires_action", False, False)


@fails(lock.no_message_while_a_run_works, times=1)
def test_message_that_is_accepted_before_the_run_is_cancelled() -> History:
    builder = _start()
    builder.see_statuses("queued", "in_progress")
    _message(builder, accepted=True)
    builder.send("cancel_run", run("cancelling"))
    return builder.history()


@permitted
def test_message_that_is_refused_when_the_run_may_have_been_cancelled() -> History:
    builder = _start()
    builder.see_statuses("queued", "in_progress")
    builder.lose_answer("cancel_run")
    _message(builder, accepted=False)
    builder.get_run(run("cancelling"))
    return builder.history()


def _answered_with_error_event(text: str) -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.stream("create_run", ("error", error(text)))
    builder.get_run(run("requires_action"))
    return builder.history()


@passes(lock.no_second_run_while_a_run_works)
def test_second_run_that_is_refused_in_a_stream() -> History:
    return _answered_with_error_event("Thread thread_a already has an active run run_a.")


@inconclusive(lock.no_second_run_while_a_run_works)
def test_second_run_that_fails_in_a_stream() -> History:
    return _answered_with_error_event("The server had an error while it processed the request.")


@suspicious(lock.no_message_while_a_run_works)
def test_message_that_fails_in_the_server_while_a_run_waits() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("create_message", 500, body=HELLO)
    builder.get_run(run("requires_action"))
    return builder.history()


@fails(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_that_is_not_locked_while_a_run_waits() -> History:
    return _two_attempts("requires_action", "requires_action", True, True)


@fails(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_that_is_not_locked_while_a_run_waits_that_lists_show_too_late() -> History:
    return _two_attempts("requires_action", "requires_action", True, True, "cancelled", "requires_action")


@fails(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_of_create_thread_and_run_that_is_not_locked() -> History:
    return _attempts_on_new_thread()


def test_finding_says_that_the_run_was_created_with_its_thread() -> None:
    (found,) = findings(lock.no_second_run_while_a_run_works, _attempts_on_new_thread())
    assert found.message == "a second run was accepted while run run_a of create_thread_and_run was 'requires_action'"


def _attempts_on_new_thread() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("create_thread_and_run", run(), body={"assistant_id": ASSISTANT})
    builder.get_run(run("requires_action"))
    _message(builder, accepted=True)
    builder.get_run(run("requires_action"))
    _second_run(builder, accepted=True)
    builder.get_run(run("requires_action"))
    return builder.history()


@fails(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works, times=1)
def test_thread_that_is_not_locked_while_a_run_is_in_progress() -> History:
    return _two_attempts("in_progress", "in_progress", True, True)


@fails(lock.no_message_while_a_run_works, times=1)
def test_thread_that_is_not_locked_once_outputs_were_received() -> History:
    return _message_after_outputs()


@inconclusive(lock.no_message_while_a_run_is_queued_or_cancelling)
def test_run_in_progress_after_outputs_is_not_queued() -> History:
    return _message_after_outputs()


def _message_after_outputs() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.send("submit_tool_outputs", run("in_progress"))
    _message(builder, True)
    builder.get_run(run("in_progress"))
    return builder.history()


def _replaced_run(step: Step | None) -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.send("create_run", SECOND, body={"assistant_id": ASSISTANT}, step=step)
    builder.get_run(run("cancelled"))
    return builder.history()


@fails(lock.no_second_run_while_a_run_works, times=1)
def test_second_run_that_replaces_the_first() -> History:
    return _replaced_run(Step(operation="create_run", body={"assistant_id": ASSISTANT}))


@permitted
def test_recording_without_the_cancellation_of_the_first_run() -> History:
    return _replaced_run(None)


@passes(lock.no_message_while_a_run_is_queued_or_cancelling, lock.no_second_run_while_a_run_is_queued_or_cancelling)
def test_thread_that_is_locked_while_a_run_is_queued() -> History:
    return _two_attempts("queued", "queued", False, False)


@fails(
    lock.no_message_while_a_run_is_queued_or_cancelling,
    lock.no_second_run_while_a_run_is_queued_or_cancelling,
    times=1,
)
def test_thread_that_is_not_locked_while_a_run_is_cancelled() -> History:
    return _two_attempts("cancelling", "cancelling", True, True)


@permitted
def test_run_that_ends_during_the_attempt() -> History:
    return _two_attempts("in_progress", "completed", True, True)


def _after_end(accepted: bool, status: str = "completed", **changes: Any) -> History:
    builder = _start()
    builder.see_statuses("queued", status)
    _message(builder, accepted)
    _second_run(builder, accepted)
    return builder.history()


@inconclusive(lock.no_second_run_while_a_run_works)
def test_thread_that_a_run_of_another_thread_locks_as_well() -> History:
    builder = _start()
    builder.see_statuses("queued", "in_progress")
    text = "Thread thread_a already has an active run run_qK3vT8wZpL5x."
    builder.refuse("create_run", text=text, body={"assistant_id": ASSISTANT})
    builder.get_run(run("in_progress"))
    return builder.history()


@suspicious(lock.run_is_taken_after_the_end)
def test_thread_that_a_run_of_another_thread_keeps_locked() -> History:
    builder = _start()
    builder.see_statuses("queued", "completed")
    text = "Thread thread_a already has an active run run_qK3vT8wZpL5x."
    builder.refuse("create_run", text=text, body={"assistant_id": ASSISTANT}, step=Step(operation="create_run"))
    return builder.history()


_IDS_WITHOUT_THE_USUAL_FORM = (
    "run_36817fa9-4add-4c1e-9d0e-5b2f6a7c8d9e",
    "36817fa9-4add-4c1e-9d0e-5b2f6a7c8d9e",
    "run_V1StGXR8_Z5jdHi6B-myT",
    "urn:run:17",
)


def _locked_by(id_: str, status: str, *, text: str = "Thread thread_a already has an active run {}.") -> History:
    builder = _start()
    builder.send("create_run", run("queued", id_=id_), body={"assistant_id": ASSISTANT})
    builder.send("get_run", run(status, id_=id_), run_id=id_)
    body = {"assistant_id": ASSISTANT}
    refused = Step(operation="create_run", body=body)
    builder.refuse("create_run", text=text.format(id_), body=body, step=refused)
    builder.send("get_run", run(status, id_=id_), run_id=id_)
    return builder.history()


@pytest.mark.parametrize("id_", _IDS_WITHOUT_THE_USUAL_FORM)
def test_refusal_that_names_the_id_of_its_run_in_another_form(id_: str) -> None:
    assert judge(lock.no_second_run_while_a_run_works, _locked_by(id_, "in_progress")) == [
        Passed("an attempt while a run was in_progress")
    ]


@pytest.mark.parametrize("id_", _IDS_WITHOUT_THE_USUAL_FORM)
def test_thread_that_stays_locked_by_a_run_whose_id_has_another_form(id_: str) -> None:
    assert len(findings(lock.run_is_taken_after_the_end, _locked_by(id_, "completed"))) == 1


@pytest.mark.parametrize("other", ["run_0f3a41cc-90ab-4d6e-8a51-1c2d3e4f5a6b", "run_V1StGXR8_Z5jdHi6B-myT"])
def test_refusal_that_names_an_unknown_run_with_dashes(other: str) -> None:
    history = _locked_by("run_36817fa9-4add-4c1e-9d0e-5b2f6a7c8d9e", "in_progress", text=f"Run {other} is active.")
    (result,) = judge(lock.no_second_run_while_a_run_works, history)
    assert isinstance(result, Inconclusive)
    assert other in result.reason


@inconclusive(lock.no_second_run_while_a_run_works)
def test_refusal_that_names_a_run_of_another_thread_without_prefix() -> History:
    builder = _start()
    builder.see_statuses("queued", "in_progress")
    other = run("in_progress", id_="8c9e-41aa-17", thread_id="thread_b")
    builder.send("get_run", other, thread_id="thread_b", run_id="8c9e-41aa-17")
    text = "Run 8c9e-41aa-17 is active."
    builder.refuse("create_run", text=text, body={"assistant_id": ASSISTANT})
    builder.get_run(run("in_progress"))
    return builder.history()


@passes(lock.no_second_run_while_a_run_works)
def test_refusal_with_a_number_that_is_also_the_id_of_a_run() -> History:
    builder = _start()
    builder.see_statuses("queued", "in_progress")
    builder.send("get_run", run("completed", id_="1", thread_id="thread_b"), thread_id="thread_b", run_id="1")
    builder.refuse("create_run", text="There is 1 active run on this thread.", body={"assistant_id": ASSISTANT})
    builder.get_run(run("in_progress"))
    return builder.history()


@passes(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_thread_that_is_free_again() -> History:
    return _after_end(True, "cancelled")


def _parts_of(rule: Rule[Any], *histories: History) -> set[str]:
    results = (result for history in histories for result in judge(rule, history))
    return {result.part for result in results if isinstance(result, Passed)} - {""}


@pytest.mark.parametrize("rule", [lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works])
def test_each_status_of_a_working_run_is_a_part_of_the_evidence(rule: Rule[Any]) -> None:
    histories = [_two_attempts(status, status, False, False) for status in ("in_progress", "requires_action")]
    assert [len(_parts_of(rule, each)) for each in histories] == [1, 1]
    assert _parts_of(rule, *histories) == {part for part, *_ in rule.needs_parts}


@pytest.mark.parametrize("rule", [lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end])
def test_completed_and_cancelled_runs_are_parts_of_the_evidence(rule: Rule[Any]) -> None:
    histories = [_after_end(True, status) for status in ("completed", "cancelled", "expired")]
    assert [len(_parts_of(rule, each)) for each in histories] == [1, 1, 0]
    assert _parts_of(rule, *histories) == {part for part, *_ in rule.needs_parts}


@fails(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end, times=1)
def test_thread_that_stays_locked() -> History:
    return _after_end(False, "expired")


@suspicious(lock.message_is_taken_after_the_end)
def test_thread_whose_run_does_not_stay_ended() -> History:
    builder = _start()
    builder.see_statuses("queued", "cancelled")
    _message(builder, False)
    builder.get_run(run("in_progress"))
    return builder.history()


@inconclusive(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_message_that_is_refused_for_its_content() -> History:
    builder = _start()
    builder.see_statuses("queued", "completed")
    builder.refuse("create_message", body={"role": "user", "content": ""})
    builder.refuse("create_run", body={"assistant_id": ASSISTANT, "model": "no-such-model"})
    return builder.history()


@inconclusive(lock.run_is_taken_after_the_end)
def test_run_that_is_refused_for_a_member_after_the_end() -> History:
    builder = _start()
    builder.see_statuses("queued", "completed")
    body = {"assistant_id": ASSISTANT, "max_prompt_tokens": 256}
    answer = error("It must be over 256.", "max_prompt_tokens")
    builder.send("create_run", answer, 400, body=body, step=Step(operation="create_run", body=body))
    return builder.history()


@inconclusive(lock.message_is_taken_after_the_end, lock.run_is_taken_after_the_end)
def test_lock_of_an_unrecorded_run() -> History:
    builder = _start()
    builder.see_statuses("queued", "completed")
    builder.refuse("create_message", text="Can't add messages to thread_a while a run run_z is active.", body=HELLO)
    return builder.history()


@fails(lock.message_is_taken_after_the_end, times=1)
def test_thread_whose_only_message_is_refused_because_of_the_ended_run() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [HELLO]}, step=Step(operation="create_thread"))
    builder.see_statuses("queued", "cancelling", "cancelled")
    text = "Can't add messages to thread_a while a run run_a is active."
    builder.refuse("create_message", 409, text=text, body=HELLO, step=Step(operation="create_message"))
    return builder.history()


@inconclusive(lock.message_is_taken_after_the_end)
def test_thread_with_unknown_history() -> History:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    _message(builder, False)
    return builder.history()


def _on_other_thread(accepted: bool) -> History:
    builder = _start()
    _message(builder, True)
    builder.send("create_thread", thread("thread_b"), body={"messages": [HELLO]})
    builder.see_statuses("queued", "in_progress")
    step = Step(operation="create_message")
    if accepted:
        posted = message("user", "Hello", "msg_b", thread_id="thread_b")
        builder.send("create_message", posted, body=HELLO, thread_id="thread_b", step=step)
    else:
        builder.refuse("create_message", body=HELLO, thread_id="thread_b", step=step)
    builder.get_run(run("in_progress"))
    return builder.history()


@inconclusive(lock.other_threads_stay_open)
def test_another_thread_that_its_own_ended_run_locks() -> History:
    builder = _start()
    for id_, thread_id in (("run_b", "thread_b"), ("run_a", "thread_a")):
        builder.send("create_thread", thread(thread_id), body={"messages": [HELLO]})
        builder.send("create_run", run("queued", id_, thread_id=thread_id), thread_id=thread_id)
    builder.send("get_run", run("completed", "run_b", thread_id="thread_b"), thread_id="thread_b", run_id="run_b")
    text = "Thread thread_b already has an active run run_b."
    builder.refuse("create_message", body=HELLO, text=text, thread_id="thread_b", step=Step(operation="create_message"))
    builder.get_run(run("in_progress"))
    return builder.history()


@passes(lock.other_threads_stay_open)
def test_another_thread_that_is_free() -> History:
    return _on_other_thread(True)


@fails(lock.other_threads_stay_open, times=1)
def test_another_thread_that_is_locked_too() -> History:
    return _on_other_thread(False)


@inconclusive(lock.no_message_while_a_run_works, lock.message_is_taken_after_the_end)
def test_rate_limited_attempt() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("create_message", 429, body=HELLO)
    builder.get_run(run("requires_action"))
    return builder.history()


STEP = Step(operation="list_messages")


@passes(lock.reads_go_on, lock.metadata_can_be_modified)
def test_locked_thread_that_is_read() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.send("list_messages", page(message("user", "Hello")), step=STEP)
    builder.send("modify_thread", thread(metadata={"a": "b"}), body={"metadata": {"a": "b"}}, step=STEP)
    builder.get_run(run("requires_action"))
    return builder.history()


@inconclusive(lock.metadata_can_be_modified)
def test_value_that_a_locked_thread_refuses_may_be_refused_at_any_time() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("modify_thread", body={"metadata": {"k" * 64: "b"}}, step=STEP)
    builder.get_run(run("requires_action"))
    return builder.history()


@fails(lock.reads_go_on, lock.metadata_can_be_modified)
def test_locked_thread_that_is_not_read() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("list_messages", step=STEP)
    builder.refuse("modify_thread", body={"metadata": {"a": "b"}}, step=STEP)
    builder.get_run(run("requires_action"))
    return builder.history()


def _after_refused_run(
    accepted: bool, deleted_first: bool = False, content: str = "Hello", works: bool = True
) -> History:
    builder = _start()
    if works:
        builder.send("create_message", message("user", "Hello", "msg_b"), body=HELLO, thread_id="thread_b")
    builder.refuse("create_run", 404, body={"assistant_id": "asst_z"})
    if deleted_first:
        builder.send("delete_thread", deleted("thread_a", "thread"))
    step, body = Step(operation="create_message"), {"role": "user", "content": content}
    if accepted:
        builder.send("create_message", message("user", content, "msg_u"), body=body, step=step)
    else:
        builder.refuse("create_message", body=body, step=step)
    return builder.history()


@passes(lock.refused_run_holds_no_lock)
def test_thread_that_is_free_after_a_refused_run() -> History:
    return _after_refused_run(True)


@fails(lock.refused_run_holds_no_lock, times=1)
def test_thread_locked_by_a_refused_run() -> History:
    return _after_refused_run(False)


@permitted
def test_server_without_messages_holds_no_lock() -> History:
    return _after_refused_run(False, works=False)


@inconclusive(lock.no_second_run_while_a_run_works)
def test_second_run_that_is_refused_for_one_of_its_members() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    text = "Unknown parameter: 'additional_messages'."
    builder.refuse("create_run", text=text, body={"assistant_id": ASSISTANT, "additional_messages": [HELLO]})
    builder.get_run(run("requires_action"))
    return builder.history()


@inconclusive(lock.no_message_while_a_run_works)
def test_message_that_is_refused_where_none_is_ever_accepted() -> History:
    builder = _start()
    builder.see_statuses("queued", "requires_action")
    builder.refuse("create_message", 404, text="Not Found", body=HELLO)
    builder.get_run(run("requires_action"))
    return builder.history()


@inconclusive(lock.refused_run_holds_no_lock)
def test_message_that_is_refused_for_its_content_after_a_refused_run() -> History:
    return _after_refused_run(False, content="")


@inconclusive(lock.refused_run_holds_no_lock)
def test_message_to_a_thread_deleted_after_a_refused_run() -> History:
    return _after_refused_run(False, deleted_first=True)


@inconclusive(lock.refused_run_holds_no_lock)
def test_thread_with_a_run_that_may_have_started() -> History:
    builder = _start()
    builder.refuse("create_run", 404, body={"assistant_id": "asst_z"})
    builder.lose_answer("create_run", body={"assistant_id": ASSISTANT})
    builder.refuse("create_message", body=HELLO, step=Step(operation="create_message"))
    return builder.history()


def _write_not_found(builder: HistoryBuilder, operation: str) -> None:
    body = HELLO if operation == "create_message" else {"assistant_id": ASSISTANT}
    builder.refuse(operation, 404, text="Not found.", body=body, step=Step(operation=operation, body=body))


@inconclusive(lock.no_message_while_a_run_works, lock.no_second_run_while_a_run_works)
def test_what_is_not_found_while_a_run_works_is_not_locked() -> History:
    builder = _start()
    builder.send("create_thread", thread("thread_b"))
    builder.send("create_message", message("user", thread_id="thread_b"), body=HELLO, thread_id="thread_b")
    builder.see_statuses("queued", "in_progress")
    _write_not_found(builder, "create_message")
    _write_not_found(builder, "create_run")
    builder.get_run(run("in_progress"))
    return builder.history()


@inconclusive(lock.run_is_taken_after_the_end)
def test_run_on_a_thread_that_is_lost_after_the_end() -> History:
    return _after_end_not_found("create_run", is_lost=True)


@inconclusive(lock.message_is_taken_after_the_end)
def test_message_to_a_thread_that_is_lost_after_the_end() -> History:
    builder = _start()
    builder.send("create_message", message("user", "Hello", "msg_b"), body=HELLO, thread_id="thread_b")
    return _after_end_not_found("create_message", is_lost=True, builder=builder)


@fails(lock.message_is_taken_after_the_end, times=1)
def test_message_to_a_thread_that_is_still_shown() -> History:
    builder = _start()
    builder.send("create_message", message("user", "Hello", "msg_b"), body=HELLO, thread_id="thread_b")
    return _after_end_not_found("create_message", is_lost=False, builder=builder)


@fails(lock.run_is_taken_after_the_end, times=1)
def test_run_on_a_thread_and_with_an_assistant_that_are_still_shown() -> History:
    return _after_end_not_found("create_run", is_lost=False)


def _after_end_not_found(operation: str, is_lost: bool, builder: HistoryBuilder | None = None) -> History:
    builder = builder or _start()
    builder.see_statuses("queued", "completed")
    _write_not_found(builder, operation)
    if not is_lost:
        builder.send("get_thread", thread())
        builder.send("get_assistant", assistant())
    return builder.history()


@inconclusive(lock.run_is_taken_after_the_end)
def test_run_with_an_assistant_that_is_lost() -> History:
    builder = _start()
    builder.see_statuses("queued", "completed")
    _write_not_found(builder, "create_run")
    builder.send("get_thread", thread())
    return builder.history()


@fails(lock.run_is_taken_after_the_end, times=1)
def test_run_on_a_thread_that_is_named_as_missing_but_shown() -> History:
    builder = _start()
    builder.send("create_thread", thread("thread_a1b2c3"))
    there: Any = {"thread_id": "thread_a1b2c3"}
    builder.create_run(run(**there), **there)
    for status in ("in_progress", "completed"):
        builder.get_run(run(status, **there), **there)
    own, text = Step(operation="create_run"), "No thread found with id thread_a1b2c3."
    builder.refuse("create_run", 404, text=text, body={"assistant_id": ASSISTANT}, step=own, **there)
    builder.send("get_thread", thread("thread_a1b2c3"), **there)
    return builder.history()


@inconclusive(lock.other_threads_stay_open)
def test_thread_that_is_lost_while_another_one_is_locked() -> History:
    builder = _start()
    _message(builder, True)
    builder.send("create_thread", thread("thread_b"), body={"messages": [HELLO]})
    builder.see_statuses("queued", "in_progress")
    own = Step(operation="create_message")
    builder.refuse("create_message", 404, text="Not found.", body=HELLO, thread_id="thread_b", step=own)
    builder.get_run(run("in_progress"))
    return builder.history()


@inconclusive(lock.refused_run_holds_no_lock)
def test_thread_that_is_lost_after_a_refused_run() -> History:
    builder = _start()
    builder.send("create_message", message("user", "Hello", "msg_b"), body=HELLO, thread_id="thread_b")
    builder.refuse("create_run", 404, body={"assistant_id": "asst_z"})
    _write_not_found(builder, "create_message")
    return builder.history()


def _refused_at_any_time(operation: str, when: str, **request: Any) -> History:
    """A request that is refused while a run works, and also without a lock: before, after the end or elsewhere."""
    builder = _start()
    if when == "before":
        builder.refuse(operation, step=Step(operation=operation), **request)
    if when == "elsewhere":
        builder.send("create_thread", thread("thread_b"))
        builder.refuse(operation, step=Step(operation=operation), thread_id="thread_b", **request)
    builder.see_statuses("queued", "in_progress")
    builder.refuse(operation, step=Step(operation=operation), **request)
    builder.get_run(run("in_progress"))
    if when == "after the end":
        builder.get_run(run("completed"))
    if when in ("after the end", "while a run works"):
        builder.refuse(operation, step=Step(operation=operation), **request)
    builder.get_run(run("completed" if when == "after the end" else "in_progress"))
    return builder.history()


@pytest.mark.parametrize("when", ["before", "elsewhere", "after the end"])
def test_read_that_is_refused_without_a_lock_too(when: str) -> None:
    history = _refused_at_any_time("list_messages", when, query={"limit": 100})
    reason = "list_messages is refused on a thread without an active run, too"
    assert [each for each in judge(lock.reads_go_on, history) if each != PASSED] == [Inconclusive(reason)]


@inconclusive(lock.metadata_can_be_modified)
def test_metadata_that_are_refused_after_the_end() -> History:
    return _refused_at_any_time("modify_thread", "after the end", body={"metadata": {"a": "b"}})


@fails(lock.reads_go_on, times=2)
def test_read_that_is_refused_only_while_a_run_works() -> History:
    return _refused_at_any_time("list_messages", "while a run works", query={"limit": 100})


@fails(lock.reads_go_on, times=1)
def test_read_that_is_refused_otherwise_only_in_another_form() -> History:
    builder = _start()
    builder.refuse("list_messages", query={"limit": 100}, step=STEP)
    builder.see_statuses("queued", "in_progress")
    builder.refuse("list_messages", step=STEP)
    builder.get_run(run("in_progress"))
    return builder.history()
