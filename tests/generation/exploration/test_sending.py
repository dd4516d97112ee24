"""Random payloads are sent beside the smallest one, and what is refused among legal ones is tracked down."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.isolate_cause import culprit
from runs_conformance.generation.fuzzing.random_payloads import sending
from runs_conformance.generation.fuzzing.size import SHARES, Portion, portions
from runs_conformance.model.case import Either, Move, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import is_object
from runs_conformance.model.program import Setting

SETTING = Setting(edition="2026-08-14", accepts_any_file_id=True)


def played(portion: Portion, refuses: Callable[[Step], bool] = lambda step: False) -> list[tuple[Step, bool]]:
    """What is sent to a target that refuses negatives and what `refuses` says, each with whether it was accepted."""
    moves = sending(portion)(SETTING)
    sent: list[tuple[Step, bool]] = []
    try:
        move: Move = next(moves)
        while True:
            assert isinstance(move, Step)
            accepted = move.role is not Role.NEGATIVE and not refuses(move)
            sent.append((move, accepted))
            move = moves.send(_answer(move, len(sent), accepted))
    except StopIteration:
        return sent


def _answer(step: Step, number: int, accepted: bool) -> Exchange:
    status = next((status for status in step.until if status == "requires_action"), "completed")
    body: Any = {"id": f"{step.operation}_{number}", "thread_id": "thread_1", "status": status}
    return Exchange(
        id=f"x{number}",
        index=number,
        program="p",
        operation=step.operation,
        request=Request("POST", "/"),
        response=Response(200 if accepted else 400, body=body if accepted else {"error": {"message": "no"}}),
        completion=Completion.ANSWERED,
        started=number,
        ended=number + 0.5,
        step=step,
    )


@pytest.mark.parametrize("operation", SHARES)
def test_a_portion_is_what_it_says(operation: str) -> None:
    portion = Portion(operation, 0, 4 if SHARES[operation].legal else 0, 10)
    sent = [step for step, _ in played(portion)]
    ours = [step for step in sent if step.operation == operation]
    negatives = [step for step in ours if step.role is Role.NEGATIVE]
    assert len(negatives) == 10
    assert sum(step.role is Role.VALID for step in ours) == portion.legal
    assert sum(step.role is Role.CONTROL for step in ours) == 1
    for step in negatives:
        assert step.mutation is not None
        assert len(step.exercises) == 1


def test_portions_add_up() -> None:
    for payloads in (10, 300, 5000):
        found = list(portions(payloads))
        total = sum(portion.legal + portion.negatives for portion in found)
        assert abs(total - payloads) <= len(SHARES)
        assert {portion.operation for portion in found} == set(SHARES)
        assert all(portion.legal + portion.negatives <= 70 for portion in found)


def test_what_a_target_refuses_is_found_among_legal_values() -> None:
    """Twenty members and more are sent; the one that is refused is named, alone, by its own constraint."""

    def refuses(step: Step) -> bool:
        pairs = step.body.get("metadata") if is_object(step.body) else None
        return step.operation == "create_assistant" and is_object(pairs) and len(pairs) == 16

    sent = played(Portion("create_assistant", 0, 30, 0), refuses)
    singles = [step for step, ok in sent if step.role is Role.VALID and step.tag == "" and not ok]
    assert singles
    for step in singles:
        assert step.exercises[0] == "create_assistant.metadata.maxProperties"
        assert is_object(step.body)
        assert set(step.body) == {"model", "metadata"}
        assert step.mutation is not None
        assert step.mutation.pointer == "/metadata"


def test_what_may_be_refused_is_not_tracked_down() -> None:
    sent = played(Portion("create_message", 0, 12, 0), lambda step: isinstance(step.expectation, Either))
    assert any(isinstance(step.expectation, Either) for step, _ in sent)
    assert not [step for step, _ in sent if step.role is Role.VALID and step.tag == ""]


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({"model": "gpt-4o", "metadata": {f"k{n}": "x" for n in range(16)}}, "metadata.maxProperties"),
        ({"model": "gpt-4o", "temperature": 2}, "temperature.maximum"),
        ({"model": "gpt-4o", "name": "x" * 256}, "name.maxLength"),
        (
            {"model": "gpt-4o", "tools": [{"type": "function", "function": {"name": "x", "strict": False}}]},
            "tools[].function.strict.type",
        ),
        ({"model": "gpt-4o", "response_format": {"type": "json_object"}}, "response_format.type"),
    ],
)
def test_culprits(body: dict[str, Any], constraint: str) -> None:
    made = bench("create_assistant", SETTING.edition, Sampler("gpt-4o", True))
    assert examine_schema(made.schema, body).valid
    assert culprit(made, body).constraint == f"create_assistant.{constraint}"


def test_the_seed_decides() -> None:
    portion = Portion("create_message", 1, 3, 5)
    assert played(portion) == played(portion)
    assert Random("0/create_message/1").random() == Random("0/create_message/1").random()
