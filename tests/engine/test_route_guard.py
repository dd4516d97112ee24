"""An operation that the target does not have is called a few times only."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.route_guard import MIN_RESPONSES, MIN_RESPONSES_TO_INVALID, RouteGuard
from runs_conformance.model.case import Concurrent, DanglingReference, Role, Step
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything, make_program

MISSING = Step(operation="create_thread_and_run", body={"assistant_id": "asst_1"})
NEGATIVE = replace(MISSING, body={}, role=Role.NEGATIVE)
PRESENT = Step(operation="create_thread", body={})


def answer_405(step: Step) -> Answer:
    return (405, {}) if step.operation == MISSING.operation else accept_everything(step)


def test_a_missing_operation_is_no_longer_called() -> None:
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    exchanges = [guard.send(MISSING, "test", {}) for _ in range(MIN_RESPONSES + 2)]
    assert len(target.sent) == MIN_RESPONSES
    assert [exchange.id != "" for exchange in exchanges] == [True] * MIN_RESPONSES + [False] * 2
    assert "create_thread_and_run" in str(exchanges[-1].problem)


def test_a_program_whose_step_is_not_sent_counts_as_one_that_lacks_its_operation() -> None:
    guard = RouteGuard(ScriptedSender(answer_405), ())
    for _ in range(MIN_RESPONSES):
        guard.send(MISSING, "earlier", {})
    for steps in ((MISSING, PRESENT), (Concurrent((MISSING, PRESENT)),)):
        result = run_program(make_program(*steps), SETTING, guard, Budget(), PollSchedule())
        assert MISSING.operation in result.without_route
    assert not run_program(make_program(PRESENT), SETTING, guard, Budget(), PollSchedule()).without_route


def test_other_operations_are_called() -> None:
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    for _ in range(MIN_RESPONSES):
        guard.send(MISSING, "test", {})
    assert guard.send(PRESENT, "test", {}).accepted
    withheld = guard.send_concurrently(Concurrent((PRESENT, MISSING)).steps, "test", {})
    assert [exchange.id for exchange in withheld] == ["", ""]


def test_refusals_of_invalid_requests_alone_say_nothing_about_the_route() -> None:
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    for _ in range(3 * MIN_RESPONSES):
        guard.send(NEGATIVE, "test", {})
    assert len(target.sent) == 3 * MIN_RESPONSES


def test_unknown_ids_alone_say_nothing_about_the_route() -> None:
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    for _ in range(3 * MIN_RESPONSES):
        guard.send(replace(MISSING, dangling=DanglingReference.UNKNOWN), "test", {})
    assert len(target.sent) == 3 * MIN_RESPONSES


def test_two_responses_tell_that_an_operation_is_missing() -> None:
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    for _ in range(9):
        guard.send(MISSING, "test", {})
    assert len(target.sent) == 2


def test_an_operation_that_answered_otherwise_once_exists() -> None:
    answers = iter([200, *[405] * 20])
    target = ScriptedSender(lambda step: (next(answers), {}))
    guard = RouteGuard(target, ())
    for _ in range(MIN_RESPONSES + 5):
        guard.send(MISSING, "test", {})
    assert len(target.sent) == MIN_RESPONSES + 5


def _response_of_another_route(step: Step) -> Answer:
    """The route of another path responds: it validates a member that both operations have, and finds no object."""
    return (422, {"detail": "metadata"}) if step.role is Role.NEGATIVE else (405, {})


def test_refusal_by_the_route_that_responds_for_a_missing_one_shows_no_operation() -> None:
    target = ScriptedSender(_response_of_another_route)
    guard = RouteGuard(target, ())
    for _ in range(5):
        guard.send(NEGATIVE, "test", {})
        guard.send(MISSING, "test", {})
    assert [step.role for step in target.sent].count(Role.ACT) == MIN_RESPONSES
    assert target.sent[-1].role is Role.ACT


def test_one_response_to_a_valid_request_is_enough_beside_those_to_invalid_ones() -> None:
    target = ScriptedSender(_response_of_another_route)
    guard = RouteGuard(target, ())
    guard.send(NEGATIVE, "test", {})
    guard.send(MISSING, "test", {})
    assert guard.send(NEGATIVE, "test", {}).status == 422
    target = ScriptedSender(answer_405)
    guard = RouteGuard(target, ())
    for step in (MISSING, *[NEGATIVE] * (MIN_RESPONSES_TO_INVALID + 3)):
        guard.send(step, "test", {})
    assert len(target.sent) == 1 + MIN_RESPONSES_TO_INVALID


def test_responses_to_invalid_requests_do_not_count_where_the_path_names_an_object() -> None:
    target = ScriptedSender(lambda step: (405, {}))
    guard = RouteGuard(target, ())
    valid = Step(operation="create_message", path={"thread_id": "thread_1"}, body={})
    for step in (valid, *[replace(valid, role=Role.NEGATIVE)] * 9):
        guard.send(step, "test", {})
    assert len(target.sent) == 10


def test_accepted_negative_shows_the_operation() -> None:
    target = ScriptedSender(lambda step: (200, {}) if step.role is Role.NEGATIVE else (405, {}))
    guard = RouteGuard(target, ())
    guard.send(NEGATIVE, "test", {})
    for _ in range(MIN_RESPONSES + 3):
        guard.send(MISSING, "test", {})
    assert len(target.sent) == MIN_RESPONSES + 4
