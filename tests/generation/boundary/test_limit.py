"""The search finds a target's own limit on either side of the stated one."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.program_runner import run_program
from runs_conformance.generation.boundary.limit import measured_limit, plan_search
from runs_conformance.model.case import Step
from runs_conformance.model.json import at, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import ProgramContext
from tests.engine.scripted import Answer, ScriptedSender

CONTEXT = ProgramContext(edition="2026-08-14", accepts_any_file_id=True)


def find_limit(id_: str, accepts: Any) -> Limit | None:
    """Search for a limit on a target that accepts the values for which `accepts` holds."""
    search = plan_search(id_, CONTEXT)
    assert search is not None

    def answer(step: Step) -> Answer:
        if not step.limit_search:
            return 200, {"id": f"{step.operation}_1", "status": "completed"}
        body: Any = step.body
        assert step.mutation is not None
        assert is_object(body)
        value = at(body, step.mutation.pointer)
        return (200, {"id": "run_1"}) if accepts(value) else (400, {})

    target = ScriptedSender(answer)
    program = search.program()
    assert run_program(program, CONTEXT, target, Budget(), PollSchedule()).internal_error is None
    return measured_limit(search, target.collector.take(program.id))


@pytest.mark.parametrize(
    ("id_", "accepts", "stated", "accepted", "refused"),
    [
        ("create_run.max_prompt_tokens.minimum", lambda value: value >= 200, 256, 200, 199),
        ("create_run.max_prompt_tokens.minimum", lambda value: value >= 1000, 256, 1000, 999),
        ("create_thread.metadata{}.maxLength", lambda value: len(value) <= 600, 512, 600, 601),
        ("create_thread.metadata{}.maxLength", lambda value: len(value) <= 100, 512, 100, 101),
        ("create_run.tools.maxItems", lambda value: len(value) <= 128, 20, 128, 129),
        ("create_thread.metadata.maxProperties", lambda value: len(value) <= 8, 16, 8, 9),
    ],
)
def test_finds_the_exact_limit(id_: str, accepts: Any, stated: int, accepted: int, refused: int) -> None:
    assert find_limit(id_, accepts) == Limit(id_, stated, accepted, refused)


def test_search_ends_on_a_target_without_a_limit() -> None:
    limit = find_limit("create_run.tools.maxItems", lambda value: True)
    assert limit is not None
    assert limit.refused is None
    assert limit.accepted is not None
    assert limit.accepted > 500


def test_a_target_that_refuses_everything_has_no_limit() -> None:
    limit = find_limit("create_thread.metadata{}.maxLength", lambda value: False)
    assert limit is not None
    assert limit.accepted is None


@pytest.mark.parametrize(
    "id_", ["create_run.tools.type", "run.model.type", "create_run.metadata.propertyNames.maxLength"]
)
def test_constraints_without_a_limit_are_not_searched(id_: str) -> None:
    assert plan_search(id_, CONTEXT) is None


def test_limit_text() -> None:
    assert Limit("a", 512, 600, 601).text == "accepts 600, not 601; the contract says 512"
    assert Limit("a", 512, None, 1).text == "accepts nothing up to 1; the contract says 512"
    assert Limit("a", 512, None, None).text == "accepts no value that was tried; the contract says 512"
    assert Limit("a", 20, 980, None).text == "accepts 980, and every value that was tried; the contract says 20"
