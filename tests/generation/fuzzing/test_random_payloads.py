"""Random payloads are sent after the control, and the cause of a refused valid payload is isolated."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.isolate_cause import likely_cause
from runs_conformance.generation.fuzzing.random_payloads import payload_program
from runs_conformance.generation.fuzzing.size import SHARES, Portion, split_into_portions
from runs_conformance.model.case import Either, Instruction, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import is_object
from runs_conformance.model.program import ProgramContext

CONTEXT = ProgramContext(edition="2026-08-14", accepts_any_file_id=True)


def run_portion(portion: Portion, refuses: Callable[[Step], bool] = lambda step: False) -> list[tuple[Step, bool]]:
    """The steps sent to a target that refuses negatives and those of `refuses`, each with whether it was accepted."""
    generator = payload_program(portion)(CONTEXT)
    sent: list[tuple[Step, bool]] = []
    try:
        step: Instruction = next(generator)
        while True:
            assert isinstance(step, Step)
            accepted = step.role is not Role.NEGATIVE and not refuses(step)
            sent.append((step, accepted))
            step = generator.send(_answer(step, len(sent), accepted))
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
def test_a_program_sends_its_portion(operation: str) -> None:
    portion = Portion(operation, 0, 4 if SHARES[operation].valid_percent else 0, 10)
    sent = [step for step, _ in run_portion(portion)]
    payloads = [step for step in sent if step.operation == operation]
    negatives = [step for step in payloads if step.role is Role.NEGATIVE]
    assert len(negatives) == 10
    assert sum(step.role is Role.VALID for step in payloads) == portion.valid
    starts_runs = FIXTURES[operation].after_accept is not None
    assert sum(step.role is Role.CONTROL for step in payloads) == (0 if starts_runs and portion.valid else 1)
    for step in negatives:
        assert step.mutation is not None
        assert len(step.exercises) == 1


def test_if_a_payload_that_starts_a_run_is_refused_the_control_follows() -> None:
    sent = run_portion(Portion("create_run", 0, 1, 3), lambda step: step.role is Role.VALID)
    roles = [step.role for step, _ in sent if step.operation == "create_run"]
    assert roles[:2] == [Role.VALID, Role.CONTROL]
    assert roles[-3:] == [Role.NEGATIVE] * 3


def test_portions_add_up_to_the_size() -> None:
    for payloads in (10, 300, 5000):
        portions = list(split_into_portions(payloads))
        total = sum(portion.valid + portion.negatives for portion in portions)
        assert abs(total - payloads) <= len(SHARES)
        # A few payloads are not worth the run that tool outputs need.
        assert {portion.operation for portion in portions} == SHARES.keys() - (
            {"submit_tool_outputs"} if payloads < 300 else set()
        )
        assert all(portion.valid + portion.negatives <= 70 for portion in portions)


def test_the_cause_of_a_refusal_is_isolated() -> None:
    """Of many members, only the refused one remains, under its own constraint."""

    def refuses(step: Step) -> bool:
        pairs = step.body.get("metadata") if is_object(step.body) else None
        return step.operation == "create_assistant" and is_object(pairs) and len(pairs) == 16

    sent = run_portion(Portion("create_assistant", 0, 30, 0), refuses)
    singles = [step for step, ok in sent if step.role is Role.VALID and not step.packed and not ok]
    assert singles
    for step in singles:
        assert step.exercises[0] == "create_assistant.metadata.maxProperties"
        assert is_object(step.body)
        assert set(step.body) == {"model", "metadata"}
        assert step.mutation is not None
        assert step.mutation.pointer == "/metadata"


def test_an_implementation_defined_refusal_is_not_isolated() -> None:
    sent = run_portion(Portion("create_message", 0, 12, 0), lambda step: isinstance(step.expectation, Either))
    assert any(isinstance(step.expectation, Either) for step, _ in sent)
    assert not [step for step, _ in sent if step.role is Role.VALID and not step.packed]


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({"model": "gpt-4o", "metadata": {f"k{n}": "x" for n in range(16)}}, "metadata.maxProperties"),
        ({"model": "gpt-4o", "temperature": 2}, "temperature.maximum"),
        ({"model": "gpt-4o", "name": "x" * 256}, "name.maxLength"),
        ({"model": "gpt-4o", "metadata": {"k": "é" * 511}}, "metadata{}.maxLength"),
        ({"model": "gpt-4o", "metadata": {"k" * 64: ""}}, "metadata.propertyNames.maxLength"),
        ({"model": "gpt-4o", "metadata": {"é" * 40: "x"}}, "metadata.propertyNames.maxLength"),
        ({"model": "gpt-4o", "metadata": {"é" * 20: "x"}}, "metadata{}.type"),
        (
            {"model": "gpt-4o", "tools": [{"type": "function", "function": {"name": "x", "strict": False}}]},
            "tools[].function.strict.type",
        ),
        ({"model": "gpt-4o", "response_format": {"type": "json_object"}}, "response_format.type"),
    ],
)
def test_the_likely_cause_is_a_limit_or_the_deepest_difference(body: dict[str, Any], constraint: str) -> None:
    factory = payload_factory("create_assistant", CONTEXT.edition, Sampler("gpt-4o", True))
    assert validate(factory.schema, body).valid
    assert likely_cause(factory, body).constraint == f"create_assistant.{constraint}"


def test_a_seed_determines_the_steps() -> None:
    portion = Portion("create_message", 1, 3, 5)
    assert run_portion(portion) == run_portion(portion)
    assert Random("0/create_message/1").random() == Random("0/create_message/1").random()
