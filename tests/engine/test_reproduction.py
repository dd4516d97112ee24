"""Reproductions: built from a history, written, read and executed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.model.case import Concurrent, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from tests.engine.scripted import SETTING, ScriptedSender, accept_everything

THREAD = Step(operation="create_thread", name="thread", body={"messages": []}, role=Role.FIXTURE)
POLL = Step(operation="get_run", path={"thread_id": Ref("thread"), "run_id": "run_a"}, until=("completed",))
LEFT = Step(operation="create_message", path={"thread_id": Ref("thread")}, body={"role": "user", "content": "left"})
RIGHT = Step(operation="create_message", path={"thread_id": Ref("thread")}, body={"role": "user", "content": "right"})
DELETE = Step(operation="delete_thread", path={"thread_id": Ref("thread")}, role=Role.CLEANUP)


def exchange_of(step: Step, index: int, started: float, ended: float, **rest: Any) -> Exchange:
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation=step.operation,
        request=Request("POST", "/"),
        response=Response(200, body={"id": "thread_a"}),
        completion=Completion.ANSWERED,
        started=started,
        ended=ended,
        step=step,
        **rest,
    )


def test_overlapping_steps_become_concurrent() -> None:
    exchanges = [
        exchange_of(THREAD, 1, 0.0, 1.0),
        exchange_of(THREAD, 2, 1.0, 2.0, attempt=2),
        exchange_of(POLL, 3, 2.0, 3.0),
        exchange_of(POLL, 4, 3.0, 4.0),
        exchange_of(LEFT, 5, 4.0, 6.0),
        exchange_of(RIGHT, 6, 4.1, 5.0),
        exchange_of(LEFT, 7, 6.0, 7.0),
        exchange_of(LEFT, 8, 7.0, 8.0),
        exchange_of(DELETE, 9, 9.0, 9.5),
    ]
    assert Reproduction.of(exchanges).moves == (THREAD, POLL, Concurrent((LEFT, RIGHT)), LEFT, LEFT)


def test_times_between_steps_are_kept_once_there_is_a_run() -> None:
    run = Step(operation="create_run", name="run", path={"thread_id": Ref("thread")}, body={"assistant_id": "asst_a"})
    exchanges = [
        exchange_of(THREAD, 1, 0.0, 1.0),
        exchange_of(run, 2, 3.0, 4.0),
        exchange_of(LEFT, 3, 4.001, 4.1),
        exchange_of(LEFT, 4, 4.12, 4.2),
        exchange_of(RIGHT, 5, 4.2, 4.3),
        exchange_of(RIGHT, 6, 4.8, 5.0, attempt=2),
        exchange_of(POLL, 7, 5.05, 5.1),
        exchange_of(POLL, 8, 6.0, 6.1),
        exchange_of(replace(LEFT, pause=0.5), 9, 6.65, 7.0),
        exchange_of(LEFT, 10, 20.0, 22.0),
        exchange_of(RIGHT, 11, 20.5, 21.0),
        exchange_of(RIGHT, 12, 30.0, 31.0),
    ]
    timed = Reproduction.of(exchanges, keeps_times=True)
    assert [getattr(move, "pause", None) for move in timed.moves] == [0, 0, 0, 0.02, 0.6, 0.05, 0.55, None, 1.1]
    assert [replace(step, pause=0.0) for step in timed.steps] == [
        replace(step, pause=0.0) for step in Reproduction.of(exchanges).steps
    ]
    assert Reproduction.from_json(timed.to_json()) == timed


def test_last_step_is_late_after_the_creation_of_a_run() -> None:
    run = Step(operation="create_thread_and_run", name="run", body={"assistant_id": "asst_a"})
    late = Reproduction((THREAD, run, LEFT, POLL)).ending_late()
    assert late.moves == (THREAD, run, LEFT, replace(POLL, pause=1.1))
    for moves in ((THREAD, LEFT), (THREAD, run), (run, Concurrent((LEFT, RIGHT)))):
        assert Reproduction(moves).ending_late().moves == moves


def test_json_round_trip_compresses_long_texts() -> None:
    long = Step(operation="create_thread", raw=b'{"metadata": {"k": "' + b"v" * 1_000_000 + b'"}}')
    reproduction = Reproduction((THREAD, Concurrent((LEFT, RIGHT)), long))
    data = reproduction.to_json()
    assert Reproduction.from_json(data) == reproduction
    assert len(str(data)) < 3_000


@pytest.mark.parametrize("data", [None, [], [1], [[]], [{"operation": "no_such"}], [{"name": "nothing"}], {"a": 1}])
def test_invalid_json_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError):
        Reproduction.from_json(data)


def test_references_are_resolved_in_each_execution() -> None:
    target = ScriptedSender(accept_everything)
    reproduction = Reproduction((THREAD, Concurrent((LEFT, RIGHT))))
    result = run_program(reproduction.to_program("again"), SETTING, target, Budget(), PollSchedule())
    assert result.internal_error is None
    exchanges = target.collector.take("again")
    assert [exchange.path.get("thread_id") for exchange in exchanges] == [None, "create_thread_1", "create_thread_1"]


def test_model_is_replaced() -> None:
    original = Step(operation="create_assistant", body={"model": "gpt-4o", "name": "gpt-4o"})
    other = Step(operation="create_assistant", body={"model": "no-such-model"})
    changed = Reproduction((original, Concurrent((original, other)))).with_model("gpt-4o", "mine")
    assert [step.body for step in changed.steps] == [
        {"model": "mine", "name": "gpt-4o"},
        {"model": "mine", "name": "gpt-4o"},
        {"model": "no-such-model"},
    ]
