"""A kind of request that the target does not survive is not sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from runs_conformance.engine.hazard_guard import MAX_LOSSES, STREAM_KIND, HazardGuard, request_kind
from runs_conformance.generation.programs.steps import on_thread, run, thread
from runs_conformance.model.case import Concurrent, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.json import ABSENT
from tests.engine.scripted import SETTING, Answer, ScriptedSender, accept_everything

CREATE_THREAD = thread(SETTING)
STREAM = Step(operation="create_thread_and_run", body={"assistant_id": "asst_1", "stream": True}, stream=True)
PROBE = Step(operation="create_assistant", raw=b"[", anomaly="deep_nesting", probe=True, role=Role.NEGATIVE)
STREAM_TEST = replace(STREAM, mutation=Mutation("/stream", "type", ABSENT, True), role=Role.VALID)


def dies_of(kind: str) -> ScriptedSender:
    def answer(step: Step) -> Answer:
        return (None, None) if request_kind(step) == kind else accept_everything(step)

    return ScriptedSender(answer)


def send(guard: HazardGuard, *steps: Step) -> list[Exchange]:
    return [guard.send(step, "test", {}) for step in steps]


@pytest.mark.parametrize("deadly", [PROBE, STREAM_TEST])
def test_what_was_lost_twice_is_not_sent_again(deadly: Step) -> None:
    target = dies_of(request_kind(deadly))
    guard = HazardGuard(target, SETTING)
    last = send(guard, CREATE_THREAD, *[deadly, CREATE_THREAD] * (MAX_LOSSES + 1))[-2]
    assert target.sent.count(deadly) == MAX_LOSSES
    assert last.id == ""
    assert last.problem is not None
    [hazard] = guard.hazards
    assert (hazard.kind, hazard.lost, hazard.withheld) == (request_kind(deadly), MAX_LOSSES, 1)
    assert hazard.exchange == "x000002"
    assert request_kind(deadly) in hazard.text


def test_a_dangerous_stream_is_replaced_by_an_ordinary_request() -> None:
    target = dies_of(STREAM_KIND)
    guard = HazardGuard(target, SETTING)
    [*_, exchange] = send(guard, CREATE_THREAD, STREAM, CREATE_THREAD, STREAM, CREATE_THREAD, STREAM)
    assert exchange.accepted
    assert exchange.request.body == {"assistant_id": "asst_1"}


def test_a_target_that_answers_nothing_else_is_left_to_the_budget() -> None:
    guard = HazardGuard(ScriptedSender(lambda step: (None, None)), SETTING)
    send(guard, PROBE, CREATE_THREAD, PROBE, PROBE)
    assert guard.hazards == ()


def test_what_was_answered_before_is_no_hazard() -> None:
    replies = iter([200, None, 200, None, 200, None])
    target = ScriptedSender(lambda step: (next(replies), {"id": "thing"}))
    guard = HazardGuard(target, SETTING)
    send(guard, PROBE, PROBE, CREATE_THREAD, PROBE, CREATE_THREAD, PROBE)
    assert guard.hazards == ()
    assert target.sent.count(PROBE) == 4


def test_requests_sent_at_once_report_nothing() -> None:
    guard = HazardGuard(dies_of(request_kind(PROBE)), SETTING)
    for _ in range(3):
        guard.send_concurrently(Concurrent((PROBE, CREATE_THREAD)).steps, "test", {})
    assert guard.hazards == ()


def test_without_streams_none_is_requested() -> None:
    target = ScriptedSender(accept_everything)
    guard = HazardGuard(target, replace(SETTING, streams=False))
    answers = {"thread": target.send(CREATE_THREAD, "test", {}), "assistant": target.send(CREATE_THREAD, "test", {})}
    second = on_thread("submit_tool_outputs", "thread", {"tool_outputs": [], "stream": True}, stream=True)
    second = replace(second, path={"thread_id": Ref("thread"), "run_id": "run_1"})
    for step in (run(stream=True), second, STREAM, STREAM_TEST):
        guard.send(step, "test", answers)
    bodies = [step.body for step in target.sent if isinstance(step.body, Mapping)]
    assert len(bodies) == 5
    assert not any(body.get("stream") for body in bodies)
    assert not any(step.stream for step in target.sent)


def test_a_hazard_survives_its_json() -> None:
    hazard = Hazard(kind=STREAM_KIND, lost=2, exchange="x000007", withheld=3)
    assert Hazard.from_json(hazard.to_json()) == hazard
    assert Hazard.from_json({"lost": "2"}).lost == 0
