"""The search for a target's own bound finds it, whichever side of the stated one it is on."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.program_runner import play
from runs_conformance.generation.boundary.limit import limit, search
from runs_conformance.model.case import Step
from runs_conformance.model.json import at, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Setting
from tests.engine.scripted import Answer, Scripted

SETTING = Setting(edition="2026-08-14", accepts_any_file_id=True)


def found(id_: str, takes: Any) -> Limit | None:
    """What the search for a bound finds on a target that takes the values for which `takes` holds."""
    wanted = search(id_, SETTING)
    assert wanted is not None

    def answer(step: Step) -> Answer:
        if step.tag != "limits":
            return 200, {"id": f"{step.operation}_1", "status": "completed"}
        body: Any = step.body
        assert step.mutation is not None
        assert is_object(body)
        value = at(body, step.mutation.pointer)
        return (200, {"id": "run_1"}) if takes(value) else (400, {})

    target = Scripted(answer)
    program = wanted.program()
    assert play(program, SETTING, target, Budget(), Pace()).fault is None
    return limit(wanted, target.collector.take(program.id))


@pytest.mark.parametrize(
    ("id_", "takes", "stated", "accepted", "refused"),
    [
        ("create_run.max_prompt_tokens.minimum", lambda value: value >= 200, 256, 200, 199),
        ("create_run.max_prompt_tokens.minimum", lambda value: value >= 1000, 256, 1000, 999),
        ("create_thread.metadata{}.maxLength", lambda value: len(value) <= 600, 512, 600, 601),
        ("create_thread.metadata{}.maxLength", lambda value: len(value) <= 100, 512, 100, 101),
        ("create_run.tools.maxItems", lambda value: len(value) <= 128, 20, 128, 129),
        ("create_thread.metadata.maxProperties", lambda value: len(value) <= 8, 16, 8, 9),
    ],
)
def test_the_bound_is_found_to_the_unit(id_: str, takes: Any, stated: int, accepted: int, refused: int) -> None:
    assert found(id_, takes) == Limit(id_, stated, accepted, refused)


def test_a_target_without_a_bound_is_not_searched_for_ever() -> None:
    nowhere = found("create_run.tools.maxItems", lambda value: True)
    assert nowhere is not None
    assert nowhere.refused is None
    assert nowhere.accepted is not None
    assert nowhere.accepted > 500


def test_a_target_that_takes_nothing_has_no_bound() -> None:
    nothing = found("create_thread.metadata{}.maxLength", lambda value: False)
    assert nothing is not None
    assert nothing.accepted is None


@pytest.mark.parametrize(
    "id_", ["create_run.tools.type", "run.model.type", "create_run.metadata.propertyNames.maxLength"]
)
def test_what_has_no_bound_is_not_searched(id_: str) -> None:
    assert search(id_, SETTING) is None


def test_a_bound_is_said_in_words() -> None:
    assert Limit("a", 512, 600, 601).text == "takes 600, not 601; the contract says 512"
    assert Limit("a", 512, None, 1).text == "takes nothing up to 1; the contract says 512"
    assert Limit("a", 512, None, None).text == "takes nothing that was tried; the contract says 512"
    assert Limit("a", 20, 980, None).text == "takes 980, nothing that was tried is refused; the contract says 20"
