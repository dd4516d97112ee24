"""Negatives differ from a valid payload in one place, and violate the constraint that they name."""

from random import Random

import pytest
from hypothesis import given

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.payload_factory import Negative, Payload
from runs_conformance.generation.payloads.strategy import PROFILE, invalid_payloads
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, json_equal, pointer_tokens, replace_at
from tests.generation.payloads.test_valid import OPERATIONS, payload_generator


def can_be_reverted(payload: Payload, negative: Negative) -> bool:
    """Whether undoing the mutation yields the valid payload."""
    path = tuple(pointer_tokens(negative.mutation.pointer))
    original = at(payload.body, negative.mutation.pointer)
    return json_equal(replace_at(negative.body, path, original), payload.body)


@pytest.mark.parametrize("edition", EDITIONS[::3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_negatives_break_one_constraint_at_one_place(operation: str, edition: str) -> None:
    generator = payload_generator(operation, edition=edition)
    known = constraints(edition)
    for _ in range(6):
        payload = generator.valid()
        for _ in range(8):
            negative = generator.negative(payload)
            assert negative is not None
            violations = validate(generator.factory.schema, negative.body).violations
            assert negative.constraint in known
            assert negative.constraint in {violation.constraint for violation in violations}
            location = negative.mutation.pointer
            places = [violation.place for violation in violations]
            assert all(place == location or place.startswith(location + "/") for place in places)
            assert can_be_reverted(payload, negative)


@pytest.mark.parametrize("operation", ["create_run", "create_assistant", "create_thread", "create_message"])
def test_negatives_break_nearly_every_constraint(operation: str) -> None:
    generator = payload_generator(operation)
    for _ in range(60):
        payload = generator.valid()
        for _ in range(8):
            generator.negative(payload)
    excluded = (
        "image_url",
        "reasoning_effort",
        "instructions.maxLength",
        ".stream.",
        ".include",
        "tool_choice.function",
    )
    expected = {
        id_
        for id_, constraint in constraints().items()
        if constraint.side == "request"
        and constraint.operation == operation
        and not any(part in id_ for part in excluded)
    }
    missed = expected - set(generator.times_broken)
    assert len(missed) <= len(expected) / 20, missed


def test_limits_are_exceeded_by_one() -> None:
    generator = payload_generator("create_run")
    seen = set()
    for _ in range(240):
        negative = generator.negative(generator.valid())
        assert negative is not None
        mutated = negative.mutation.mutated
        if negative.constraint.endswith((".maxItems", ".maxProperties", ".maxLength")):
            size = len(mutated) if isinstance(mutated, str) or is_array(mutated) or is_object(mutated) else None
            seen.add((negative.mutation.keyword, size))
    assert {("maxProperties", 17), ("maxItems", 21), ("maxLength", 513)} <= seen


def test_only_the_value_at_the_path_is_replaced() -> None:
    body: JSON = {"a": [{"b": 1}, {"c": 2}], "d": "x"}
    assert replace_at(body, ("a", 1, "c"), 3) == {"a": [{"b": 1}, {"c": 3}], "d": "x"}
    assert replace_at(body, ("a", 0, "b"), ABSENT) == {"a": [{}, {"c": 2}], "d": "x"}
    assert replace_at(body, (), []) == []
    assert body == {"a": [{"b": 1}, {"c": 2}], "d": "x"}


@PROFILE
@given(invalid_payloads("create_run"))
def test_the_strategy_draws_valid_and_invalid_pairs(pair: tuple[Payload, Negative]) -> None:
    payload, negative = pair
    assert can_be_reverted(payload, negative)


def test_rarely_broken_constraints_come_first() -> None:
    generator = payload_generator("modify_run")
    payload = generator.valid(1.0)
    broken = [negative.constraint for _ in range(7) if (negative := generator.negative(payload))]
    assert len(set(broken)) >= 4
    assert generator.random.getstate() != Random(0).getstate()
