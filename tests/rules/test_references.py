"""Unknown ids are refused: the rules on this, on literal histories."""

from __future__ import annotations

import pytest

from runs_conformance.model.case import REFUSES_REFERENCE, DanglingReference, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Inconclusive, Suspicion
from runs_conformance.rules import references
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import MESSAGE, RUN, THREAD, HistoryBuilder, deleted, message, run


def requested(kind: DanglingReference, status: int, operation: str = "get_run", works: bool = True) -> History:
    builder = HistoryBuilder()
    step = Step(operation=operation, role=Role.NEGATIVE, expectation=REFUSES_REFERENCE, dangling=kind)
    answer = deleted(MESSAGE) if operation == "delete_message" else run()
    run_id = "run_b" if kind is DanglingReference.FOREIGN else RUN
    if works:
        builder.send(operation, answer)
    if status == 200:
        builder.send(operation, answer, step=step, run_id=run_id)
    else:
        builder.refuse(operation, status, step=step, run_id=run_id)
    return builder.history()


@passes(references.unknown_and_malformed_ids_are_refused, references.unknown_ids_are_not_found)
def test_unknown_is_404() -> History:
    return requested(DanglingReference.UNKNOWN, 404)


@passes(references.unknown_and_malformed_ids_are_refused, references.malformed_ids_are_400_or_404)
def test_malformed_is_400() -> History:
    return requested(DanglingReference.MALFORMED, 400)


@inconclusive(
    references.unknown_and_malformed_ids_are_refused,
    references.unknown_ids_are_not_found,
    references.malformed_ids_are_400_or_404,
)
def test_operation_that_finds_no_existing_object_either() -> History:
    builder = HistoryBuilder()
    for kind, status in ((DanglingReference.UNKNOWN, 405), (DanglingReference.MALFORMED, 404)):
        builder.exchanges.extend(requested(kind, status, works=False).exchanges)
    return builder.history()


@passes(references.malformed_ids_are_400_or_404)
def test_malformed_is_404() -> History:
    return requested(DanglingReference.MALFORMED, 404)


@fails(references.unknown_and_malformed_ids_are_refused)
def test_unknown_is_found() -> History:
    return requested(DanglingReference.UNKNOWN, 200)


@pytest.mark.parametrize(("status", "result"), [(500, Suspicion), (429, Inconclusive)])
def test_unknown_id_that_is_neither_accepted_nor_refused(status: int, result: type) -> None:
    history = requested(DanglingReference.UNKNOWN, status)
    reason = f"get_run got HTTP {status}, which is neither acceptance nor refusal"
    assert judge(references.unknown_and_malformed_ids_are_refused, history) == [result(reason)]


@fails(references.unknown_ids_are_not_found)
def test_unknown_is_400() -> History:
    return requested(DanglingReference.UNKNOWN, 400)


@fails(references.malformed_ids_are_400_or_404)
def test_malformed_is_422() -> History:
    return requested(DanglingReference.MALFORMED, 422)


@passes(references.unknown_and_malformed_ids_are_refused)
def test_deletion_of_an_unknown_id_is_refused() -> History:
    return requested(DanglingReference.UNKNOWN, 404, "delete_message")


@fails(references.unknown_and_malformed_ids_are_refused)
def test_deletion_of_an_unknown_id_is_accepted() -> History:
    return requested(DanglingReference.UNKNOWN, 200, "delete_message")


@permitted
def test_deletion_of_an_unknown_id_violates_no_must_rule() -> History:
    return requested(DanglingReference.UNKNOWN, 200, "delete_message")


@passes(references.objects_are_found_under_their_own_parent_only)
def test_run_is_not_found_under_another_thread() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run())
    builder.refuse("get_run", 404, thread_id="thread_b")
    return builder.history()


@fails(references.objects_are_found_under_their_own_parent_only)
def test_run_is_found_under_another_thread() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run(), thread_id="thread_b")
    return builder.history()


@fails(references.objects_are_found_under_their_own_parent_only)
def test_message_is_found_under_another_thread() -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user"))
    builder.send("get_message", message("user"), thread_id="thread_b", message_id=MESSAGE)
    return builder.history()


def message_deleted_under_another_thread(*, accepts_any_id: bool = True, is_kept: bool = True) -> History:
    builder = HistoryBuilder()
    builder.send("create_message", message("user"))
    if accepts_any_id:
        unknown = Step(
            operation="delete_message",
            role=Role.NEGATIVE,
            expectation=REFUSES_REFERENCE,
            dangling=DanglingReference.UNKNOWN,
        )
        builder.send("delete_message", deleted("msg_none"), step=unknown, message_id="msg_none")
    foreign = Step(
        operation="delete_message",
        role=Role.NEGATIVE,
        expectation=REFUSES_REFERENCE,
        dangling=DanglingReference.FOREIGN,
    )
    builder.send("delete_message", deleted(MESSAGE), step=foreign, thread_id="thread_b", message_id=MESSAGE)
    if is_kept:
        builder.send("get_message", message("user"), message_id=MESSAGE)
    else:
        builder.refuse("get_message", 404, message_id=MESSAGE)
    return builder.history()


@inconclusive(references.objects_are_found_under_their_own_parent_only)
def test_deletion_that_finds_nothing_is_accepted_under_another_thread() -> History:
    return message_deleted_under_another_thread()


@fails(references.objects_are_found_under_their_own_parent_only)
def test_message_is_deleted_under_another_thread() -> History:
    return message_deleted_under_another_thread(is_kept=False)


@fails(references.objects_are_found_under_their_own_parent_only)
def test_deletion_that_refuses_unknown_ids_is_accepted_under_another_thread() -> History:
    return message_deleted_under_another_thread(accepts_any_id=False)


@inconclusive(references.objects_are_found_under_their_own_parent_only)
def test_objects_of_two_kinds_share_an_id() -> History:
    builder = HistoryBuilder()
    builder.create_run()
    builder.send("create_message", message("user", id_=RUN), thread_id="thread_b")
    builder.get_run(run())
    return builder.history()


@inconclusive(references.objects_are_found_under_their_own_parent_only)
def test_runs_of_two_threads_share_an_id() -> History:
    """The id names a run of each thread. Another rule reports that they share it."""
    builder = HistoryBuilder()
    for thread_id in (THREAD, "thread_b"):
        builder.create_run(run(), thread_id=thread_id)
    for thread_id in (THREAD, "thread_b"):
        builder.get_run(run(), thread_id=thread_id)
    return builder.history()


@fails(references.objects_are_found_under_their_own_parent_only)
def test_run_of_two_threads_is_found_under_a_third() -> History:
    builder = HistoryBuilder()
    for thread_id in (THREAD, "thread_b"):
        builder.create_run(run(), thread_id=thread_id)
    builder.get_run(run(), thread_id="thread_c")
    return builder.history()


@fails(references.objects_are_found_under_their_own_parent_only)
def test_step_is_found_under_another_run() -> History:
    return requested(DanglingReference.FOREIGN, 200, "get_run_step")


@inconclusive(references.objects_are_found_under_their_own_parent_only)
def test_wrong_parent_has_the_id_of_the_right_one() -> History:
    """A static mock gives all threads one id, so that a request through another thread has the right path."""
    builder = HistoryBuilder()
    builder.create_run()
    builder.get_run(run())
    step = Step(
        operation="get_run", role=Role.NEGATIVE, expectation=REFUSES_REFERENCE, dangling=DanglingReference.FOREIGN
    )
    builder.get_run(run(), step=step)
    return builder.history()


@permitted
def test_recorded_read_of_a_run_created_before() -> History:
    builder = HistoryBuilder()
    builder.get_run(run("completed"))
    return builder.history()
