"""The moves that show a violation again: read from a history, written, read, played."""

from __future__ import annotations

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
LOOK = Step(operation="get_run", path={"thread_id": Ref("thread"), "run_id": "run_a"}, until=("completed",))
LEFT = Step(operation="create_message", path={"thread_id": Ref("thread")}, body={"role": "user", "content": "left"})
RIGHT = Step(operation="create_message", path={"thread_id": Ref("thread")}, body={"role": "user", "content": "right"})
GONE = Step(operation="delete_thread", path={"thread_id": Ref("thread")}, role=Role.CLEANUP)


def told(step: Step, index: int, began: float, ended: float, **rest: Any) -> Exchange:
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation=step.operation,
        request=Request("POST", "/"),
        response=Response(200, body={"id": "thread_a"}),
        completion=Completion.ANSWERED,
        started=began,
        ended=ended,
        step=step,
        **rest,
    )


def test_each_step_is_made_once_and_what_overlapped_is_sent_together() -> None:
    exchanges = [
        told(THREAD, 1, 0.0, 1.0),
        told(THREAD, 2, 1.0, 2.0, attempt=2),
        told(LOOK, 3, 2.0, 3.0),
        told(LOOK, 4, 3.0, 4.0),
        told(LEFT, 5, 4.0, 6.0),
        told(RIGHT, 6, 4.1, 5.0),
        told(LEFT, 7, 6.0, 7.0),
        told(LEFT, 8, 7.0, 8.0),
        told(GONE, 9, 9.0, 9.5),
    ]
    assert Reproduction.of(exchanges).moves == (THREAD, LOOK, Concurrent((LEFT, RIGHT)), LEFT, LEFT)


def test_what_is_written_is_read_back_and_long_texts_are_short() -> None:
    long = Step(operation="create_thread", raw=b'{"metadata": {"k": "' + b"v" * 1_000_000 + b'"}}')
    moves = Reproduction((THREAD, Concurrent((LEFT, RIGHT)), long))
    written = moves.to_json()
    assert Reproduction.from_json(written) == moves
    assert len(str(written)) < 3_000


@pytest.mark.parametrize("data", [None, [], [1], [[]], [{"operation": "no_such"}], [{"name": "nothing"}], {"a": 1}])
def test_what_are_no_moves_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError):
        Reproduction.from_json(data)


def test_it_is_played_with_references_bound_anew() -> None:
    target = ScriptedSender(accept_everything)
    moves = Reproduction((THREAD, Concurrent((LEFT, RIGHT))))
    played = run_program(moves.to_program("again"), SETTING, target, Budget(), PollSchedule())
    assert played.internal_error is None
    exchanges = target.collector.take("again")
    assert [exchange.path.get("thread_id") for exchange in exchanges] == [None, "create_thread_1", "create_thread_1"]


def test_another_model_takes_the_place_of_the_one_that_was_used() -> None:
    used = Step(operation="create_assistant", body={"model": "gpt-4o", "name": "gpt-4o"})
    other = Step(operation="create_assistant", body={"model": "no-such-model"})
    changed = Reproduction((used, Concurrent((used, other)))).with_model("gpt-4o", "mine")
    assert [step.body for step in changed.steps] == [
        {"model": "mine", "name": "gpt-4o"},
        {"model": "mine", "name": "gpt-4o"},
        {"model": "no-such-model"},
    ]
