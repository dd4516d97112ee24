"""A program that called an operation without a route names it."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.capabilities import operations_without_route
from runs_conformance.engine.programs_without_operations import programs_without_operations
from runs_conformance.model.case import DanglingReference, Key, Role, Step
from tests.rules.histories import HistoryBuilder

DELETE = Step(operation="delete_message")


def without_route(step: Step, status: int = 405) -> frozenset[str]:
    builder = HistoryBuilder()
    builder.send(step.operation, {}, status, step=step)
    return operations_without_route(builder.exchanges, ())


def test_operation_with_the_response_of_a_missing_route_has_no_route() -> None:
    assert without_route(DELETE) == {"delete_message"}
    assert without_route(DELETE, 404) == without_route(DELETE, 200) == frozenset()


def test_requests_that_may_be_refused_show_nothing() -> None:
    assert without_route(replace(DELETE, role=Role.NEGATIVE)) == frozenset()
    assert without_route(replace(DELETE, key=Key.WRONG)) == frozenset()
    assert without_route(replace(DELETE, dangling=DanglingReference.UNKNOWN)) == frozenset()


def test_programs_name_the_missing_operation() -> None:
    reason = "the target has no DELETE /threads/{thread_id}/messages/{message_id}"
    called = {"p": {"delete_message", "get_run"}, "q": {"get_run"}}
    assert programs_without_operations(called, {"delete_message"}) == {"p": reason}


def test_operation_with_a_substitute_is_not_missed() -> None:
    called = {"p": {"create_thread_and_run"}}
    assert programs_without_operations(called, {"create_thread_and_run"}) == {}
    assert programs_without_operations(called, {"create_thread_and_run", "create_run"}) == {
        "p": "the target has no POST /threads/runs"
    }
