from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.capabilities import unserved_operations
from runs_conformance.engine.unserved import unserved_programs
from runs_conformance.model.case import DanglingReference, Key, Role, Step
from tests.rules.histories import HistoryBuilder

DELETE = Step(operation="delete_message")


def unserved(step: Step, status: int = 405) -> frozenset[str]:
    builder = HistoryBuilder()
    builder.send(step.operation, {}, status, step=step)
    return unserved_operations(builder.exchanges, ())


def test_operation_with_the_response_of_a_missing_route_is_unserved() -> None:
    assert unserved(DELETE) == {"delete_message"}
    assert unserved(DELETE, 404) == unserved(DELETE, 200) == frozenset()


def test_requests_that_may_be_refused_show_nothing() -> None:
    assert unserved(replace(DELETE, role=Role.NEGATIVE)) == frozenset()
    assert unserved(replace(DELETE, key=Key.WRONG)) == frozenset()
    assert unserved(replace(DELETE, dangling=DanglingReference.UNKNOWN)) == frozenset()


def test_programs_name_the_missing_operation() -> None:
    reason = "the target has no DELETE /threads/{thread_id}/messages/{message_id}"
    called = {"p": {"delete_message", "get_run"}, "q": {"get_run"}}
    assert unserved_programs(called, {"delete_message"}) == {"p": reason}


def test_operation_with_a_substitute_is_not_missed() -> None:
    called = {"p": {"create_thread_and_run"}}
    assert unserved_programs(called, {"create_thread_and_run"}) == {}
    assert unserved_programs(called, {"create_thread_and_run", "create_run"}) == {
        "p": "the target has no POST /threads/runs"
    }
