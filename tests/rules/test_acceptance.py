from __future__ import annotations

from conformance.model.case import Role, Step
from conformance.model.history import History
from conformance.model.verdict import Undecided
from conformance.rules import acceptance
from tests.rules.examples import breaks, holds, judge, legal
from tests.rules.histories import Told, thread


def _control(operation: str) -> Step:
    return Step(operation=operation, body={}, role=Role.CONTROL)


@holds(acceptance.smallest_request_is_accepted)
def test_an_empty_thread_is_created() -> History:
    tell = Told()
    tell.send("create_thread", thread(), step=_control("create_thread"))
    return tell.history()


@breaks(acceptance.smallest_request_is_accepted, times=1)
def test_an_empty_thread_is_refused() -> History:
    tell = Told()
    tell.refuse("create_thread", step=_control("create_thread"))
    return tell.history()


@legal
def test_an_operation_that_there_is_not() -> History:
    tell = Told()
    tell.refuse("list_assistants", 404, step=_control("list_assistants"))
    return tell.history()


@legal
def test_a_model_that_there_is_not() -> History:
    tell = Told()
    tell.refuse("create_assistant", step=_control("create_assistant"))
    return tell.history()


def test_where_a_model_is_needed_nothing_is_decided() -> None:
    tell = Told()
    tell.refuse("create_run", step=_control("create_run"))
    assert isinstance(judge(acceptance.smallest_request_is_accepted, tell.history())[0], Undecided)
