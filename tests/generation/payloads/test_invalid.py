"""Negatives differ from a legal payload in one place, and break what they say they break."""

from random import Random

import pytest
from hypothesis import given

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.payload_factory import Negative, Payload
from runs_conformance.generation.payloads.invalid import changed
from runs_conformance.generation.payloads.strategy import PROFILE, illegal
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, parts, same
from tests.generation.payloads.test_valid import OPERATIONS, batch


def restored(payload: Payload, negative: Negative) -> bool:
    """Whether putting the place back gives the legal payload again."""
    path = tuple(parts(negative.mutation.pointer))
    was = at(payload.body, negative.mutation.pointer)
    return same(changed(negative.body, path, was), payload.body)


@pytest.mark.parametrize("edition", EDITIONS[::3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_negatives_break_one_constraint_at_one_place(operation: str, edition: str) -> None:
    drawing = batch(operation, edition=edition)
    known = constraints(edition)
    for _ in range(6):
        payload = drawing.legal()
        for _ in range(8):
            negative = drawing.negative(payload)
            assert negative is not None
            faults = examine_schema(drawing.bench.schema, negative.body).faults
            assert negative.constraint in known
            assert negative.constraint in {fault.constraint for fault in faults}
            where = negative.mutation.pointer
            assert all(fault.place == where or fault.place.startswith(where + "/") for fault in faults)
            assert restored(payload, negative)


@pytest.mark.parametrize("operation", ["create_run", "create_assistant", "create_thread", "create_message"])
def test_negatives_come_to_nearly_every_constraint(operation: str) -> None:
    drawing = batch(operation)
    for _ in range(60):
        payload = drawing.legal()
        for _ in range(8):
            drawing.negative(payload)
    unsure = ("image_url", "reasoning_effort", "instructions.maxLength", ".stream.", ".include", "tool_choice.function")
    wanted = {
        id_
        for id_, constraint in constraints().items()
        if constraint.side == "request" and constraint.operation == operation and not any(x in id_ for x in unsure)
    }
    missed = wanted - set(drawing.used)
    assert len(missed) <= len(wanted) / 20, missed


def test_bounds_are_overstepped_by_one() -> None:
    drawing = batch("create_run")
    seen = set()
    for _ in range(240):
        negative = drawing.negative(drawing.legal())
        assert negative is not None
        became = negative.mutation.became
        if negative.constraint.endswith((".maxItems", ".maxProperties", ".maxLength")):
            size = len(became) if isinstance(became, str) or is_array(became) or is_object(became) else None
            seen.add((negative.mutation.keyword, size))
    assert {("maxProperties", 17), ("maxItems", 21), ("maxLength", 513)} <= seen


def test_a_place_is_changed_and_nothing_else() -> None:
    body: JSON = {"a": [{"b": 1}, {"c": 2}], "d": "x"}
    assert changed(body, ("a", 1, "c"), 3) == {"a": [{"b": 1}, {"c": 3}], "d": "x"}
    assert changed(body, ("a", 0, "b"), ABSENT) == {"a": [{}, {"c": 2}], "d": "x"}
    assert changed(body, (), []) == []
    assert body == {"a": [{"b": 1}, {"c": 2}], "d": "x"}


@PROFILE
@given(illegal("create_run"))
def test_strategies_draw_pairs(pair: tuple[Payload, Negative]) -> None:
    payload, negative = pair
    assert restored(payload, negative)


def test_rare_constraints_come_first() -> None:
    drawing = batch("modify_run")
    payload = drawing.legal(1.0)
    broken = [negative.constraint for _ in range(7) if (negative := drawing.negative(payload))]
    assert len(set(broken)) >= 4
    assert drawing.random.getstate() != Random(0).getstate()
