from __future__ import annotations

from runs_conformance.model.case import REFUSES_REFERENCE, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.tag import FOREIGN_ID, MALFORMED_ID, UNKNOWN_ID
from runs_conformance.rules import references
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import MESSAGE, Told, deleted, message, run


def sought(tag: str, status: int, operation: str = "get_run") -> History:
    tell = Told()
    step = Step(operation=operation, role=Role.NEGATIVE, expectation=REFUSES_REFERENCE, tag=tag)
    if status == 200:
        answer = deleted(MESSAGE) if operation == "delete_message" else run()
        tell.send(operation, answer, step=step)
    else:
        tell.refuse(operation, status, step=step)
    return tell.history()


@holds(references.unknown_and_malformed_ids_are_refused, references.unknown_ids_are_not_found)
def test_unknown_is_404() -> History:
    return sought(UNKNOWN_ID, 404)


@holds(references.unknown_and_malformed_ids_are_refused, references.malformed_ids_are_400_or_404)
def test_malformed_is_400() -> History:
    return sought(MALFORMED_ID, 400)


@holds(references.malformed_ids_are_400_or_404)
def test_malformed_is_404() -> History:
    return sought(MALFORMED_ID, 404)


@breaks(references.unknown_and_malformed_ids_are_refused)
def test_unknown_is_found() -> History:
    return sought(UNKNOWN_ID, 200)


@undecided(references.unknown_and_malformed_ids_are_refused)
def test_limited_requests_decide_nothing() -> History:
    return sought(UNKNOWN_ID, 429)


@breaks(references.unknown_ids_are_not_found)
def test_unknown_is_400() -> History:
    return sought(UNKNOWN_ID, 400)


@breaks(references.malformed_ids_are_400_or_404)
def test_malformed_is_422() -> History:
    return sought(MALFORMED_ID, 422)


@holds(references.unknown_and_malformed_ids_are_refused)
def test_nothing_cannot_be_deleted() -> History:
    return sought(UNKNOWN_ID, 404, "delete_message")


@breaks(references.unknown_and_malformed_ids_are_refused)
def test_nothing_is_deleted() -> History:
    return sought(UNKNOWN_ID, 200, "delete_message")


@legal
def test_deleting_nothing_may_succeed() -> History:
    return sought(UNKNOWN_ID, 200, "delete_message")


@holds(references.objects_are_found_under_their_own_parent_only)
def test_run_is_not_found_elsewhere() -> History:
    tell = Told()
    tell.create_run()
    tell.refuse("get_run", 404, thread_id="thread_b")
    return tell.history()


@breaks(references.objects_are_found_under_their_own_parent_only)
def test_run_is_found_elsewhere() -> History:
    tell = Told()
    tell.create_run()
    tell.get_run(run(), thread_id="thread_b")
    return tell.history()


@breaks(references.objects_are_found_under_their_own_parent_only)
def test_message_is_found_elsewhere() -> History:
    tell = Told()
    tell.send("create_message", message("user"))
    tell.send("get_message", message("user"), thread_id="thread_b", message_id=MESSAGE)
    return tell.history()


@breaks(references.objects_are_found_under_their_own_parent_only)
def test_step_is_found_elsewhere() -> History:
    return sought(FOREIGN_ID, 200, "get_run_step")


@legal
def test_recorded_look_at_a_run_that_was_created_before() -> History:
    tell = Told()
    tell.get_run(run("completed"))
    return tell.history()
