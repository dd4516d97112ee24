"""Playing boundary programs against a target in memory, and refereeing what came of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from runs_conformance.generation.boundary import programs
from runs_conformance.generation.boundary.fixtures import STAGES
from runs_conformance.model.case import Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.program import Program
from runs_conformance.model.verdict import Outcome
from runs_conformance.rules.constraints.requests import tallies
from tests.generation.boundary.target import SETTING, Answer, Target

PROGRAMS = {program.id: program for program in programs(SETTING)}
REFUSAL = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def program(operation: str) -> Program:
    return next(program for program in PROGRAMS.values() if operation in program.operations)


def outcomes(history: History, operation: str = "") -> Counter[Outcome]:
    found = tallies(history).items()
    return Counter(tally.outcome for id_, tally in found if id_.startswith(operation))


def failing(history: History) -> set[str]:
    return {id_ for id_, tally in tallies(history).items() if tally.outcome is Outcome.FAIL}


@pytest.mark.parametrize("id_", sorted(PROGRAMS))
def test_a_correct_target_passes_every_constraint(id_: str) -> None:
    target = Target()
    history = target.play(PROGRAMS[id_])
    assert set(outcomes(history)) == {Outcome.PASS}
    assert not any(e.step.tag == "packed" and not e.accepted for e in history if e.step)
    started = [e for e in history if e.accepted and e.operation in ("create_run", "create_thread_and_run")]
    assert len(started) <= PROGRAMS[id_].runs
    assert len(history) <= PROGRAMS[id_].requests + 6


def test_each_negative_is_sent_once_to_a_correct_target() -> None:
    history = Target().play(program("create_run"))
    sent = Counter(e.step.id for e in history if e.step and e.step.role is Role.NEGATIVE)
    assert set(sent.values()) == {1}


def accepting(*pointers: str) -> Any:
    def override(step: Step, body: Any) -> Answer | None:
        wrong = step.role is Role.NEGATIVE and step.mutation and step.mutation.pointer in pointers
        return (200, {"id": "run_x", "object": "thread.run", "thread_id": "t", "status": "queued"}) if wrong else None

    return override


def test_what_is_accepted_is_found_and_nothing_else() -> None:
    target = Target(accepting("/max_prompt_tokens"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.play(program("create_run"))
    assert failing(history) == {"create_run.max_prompt_tokens.minimum", "create_run.max_prompt_tokens.type"}
    assert outcomes(history)[Outcome.INCONCLUSIVE] == 0


@pytest.mark.parametrize("operation", ["create_message", "modify_run", "submit_tool_outputs", "list_run_steps"])
def test_a_constraint_that_is_ignored_fails_alone(operation: str) -> None:
    every = {id_ for e in Target().play(program(operation)) if e.step and e.step.mutation for id_ in e.step.exercises}
    for id_ in every:
        history = Target(ignoring=id_).play(program(operation))
        assert failing(history) == {id_}
        assert outcomes(history)[Outcome.INCONCLUSIVE] == 0


def test_a_thread_is_left_as_soon_as_a_run_was_started_on_it() -> None:
    target = Target(accepting("/max_prompt_tokens", "/temperature", "/metadata"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.play(program("create_run"))
    starts = [e for e in history if e.operation == "create_run" and e.accepted]
    assert len({e.path["thread_id"] for e in starts}) == len(starts)
    for start in starts:
        following = history.exchanges[start.index + 1]
        assert following.operation == "cancel_run" or start.events


def test_a_constraint_that_was_broken_once_is_not_tried_again() -> None:
    target = Target(accepting("/max_prompt_tokens"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.play(program("create_run"))
    ids = Counter(e.step.exercises[0] for e in history if e.accepted and e.step and e.step.role is Role.NEGATIVE)
    assert ids["create_run.max_prompt_tokens.minimum"] == 1


@pytest.mark.parametrize("operation", STAGES)
def test_a_target_that_accepts_everything_fails_every_constraint(operation: str) -> None:
    def override(step: Step, body: Any) -> Answer | None:
        if step.operation == operation and step.role is Role.NEGATIVE:
            return 200, {}
        return None

    history = Target(override).play(program(operation))
    assert set(outcomes(history, f"{operation}.")) == {Outcome.FAIL}
    negatives = [e.step for e in history if e.step and e.step.role is Role.NEGATIVE]
    assert failing(history) == {id_ for step in negatives if step.operation == operation for id_ in step.exercises}


@pytest.mark.parametrize("operation", [name for name in STAGES if not STAGES[name].last_control])
def test_a_target_that_refuses_everything_passes_nothing(operation: str) -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (400, REFUSAL) if step.role in (Role.CONTROL, Role.VALID, Role.NEGATIVE) else None

    history = Target(override).play(program(operation))
    assert set(outcomes(history)) == {Outcome.INCONCLUSIVE}
    assert len(history) < len(Target().play(program(operation)))


def test_fixtures_that_are_refused_end_the_program() -> None:
    assert len(Target(lambda step, body: (400, REFUSAL)).play(program("create_run"))) == 1


def test_a_packed_request_that_is_refused_is_taken_apart() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        narrow = step.role is Role.VALID and isinstance(body, dict) and body.get("temperature") == 2
        return (400, REFUSAL) if narrow else None

    further = Target(override).play(PROGRAMS["boundary.create_run.legal"])
    first = Target(override).play(program("create_run"))
    assert failing(first) | failing(further) == {"create_run.temperature.maximum"}


def test_a_negative_on_which_the_target_fails_is_sent_again_and_the_control_after_it() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        wrong = step.role is Role.NEGATIVE and step.mutation and step.mutation.pointer == "/temperature"
        return (500, {}) if wrong else None

    history = Target(override).play(program("create_run"))
    assert {"create_run.temperature.type", "create_run.temperature.minimum"} <= failing(history)
    assert all(id_.startswith("create_run.temperature.") for id_ in failing(history))
    assert history.exchanges[-2].step is not None
    assert history.exchanges[-2].step.role is Role.CONTROL


def test_a_model_that_does_not_call_leaves_submitting_undone() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (200, {"id": "run_1", "status": "completed"}) if step.operation == "get_run" else None

    history = Target(override).play(program("submit_tool_outputs"))
    assert tallies(history) == {}
    assert sum(e.operation == "create_run" for e in history) == 2


def test_one_waiting_run_serves_all_negatives() -> None:
    history = Target().play(program("submit_tool_outputs"))
    negatives = [e for e in history if e.step and e.step.role is Role.NEGATIVE]
    assert len({e.path["run_id"] for e in negatives}) == 1
    assert sum(e.operation == "create_run" for e in history) == 2


def test_a_run_that_is_there_serves_the_negatives_of_its_step() -> None:
    history = Target().play(program("get_run_step"))
    assert program("get_run_step") is program("list_run_steps")
    assert sum(e.operation == "create_run" for e in history) == 1
    broken = {id_.split(".")[0] for id_, tally in tallies(history).items() if tally.outcome is Outcome.PASS}
    assert broken == {"list_run_steps", "get_run_step"}
