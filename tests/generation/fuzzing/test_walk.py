"""Random walks: the state and the seed determine the next step."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given

from runs_conformance.generation.fuzzing.actions import ACTIONS, RUN_STARTING_ACTIONS
from runs_conformance.generation.fuzzing.catalogue import programs
from runs_conformance.generation.fuzzing.size import FuzzingSize
from runs_conformance.generation.fuzzing.strategy import next_steps
from runs_conformance.generation.fuzzing.walk import MAX_STEPS, next_step, walk_program
from runs_conformance.generation.fuzzing.walk_profile import NOVELTY_DECAYS, WALK_PROFILES, WalkProfile, assign_profiles
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.generation.payloads.strategy import PROFILE
from runs_conformance.model.case import Instruction, Key, Ref, Role, Step, step_to_json
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.step_decoding import step_from_json

CONTEXT = ProgramContext(edition="2026-08-14", accepts_any_file_id=True, has_second_api_key=True)
BY_NAME = {profile.name: profile for profile in WALK_PROFILES}


def answer(step: Step, number: int) -> Exchange:
    """The response of a simple target: runs wait for two tool outputs, and lists have three objects."""
    calls = [{"id": f"call_{index}", "function": {"name": "f", "arguments": "{}"}} for index in range(2)]
    body: dict[str, Any] = {"id": f"{step.operation}_{number}", "object": "thing"}
    if "run" in step.operation:
        action = {"submit_tool_outputs": {"tool_calls": calls}}
        body |= {"object": "thread.run", "id": "run_1", "thread_id": "thread_1", "status": "requires_action"}
        body |= {"required_action": action}
    if step.operation.startswith("list_"):
        body = {"object": "list", "data": [{"id": f"item_{index}"} for index in range(3)], "has_more": True}
    return Exchange(
        id=f"x{number}",
        index=number,
        program="walk",
        operation=step.operation,
        request=Request("POST", "/"),
        response=Response(200, body=body),
        completion=Completion.ANSWERED,
        started=number,
        ended=number + 0.5,
        step=step,
    )


def walk_steps(profile: WalkProfile, seed: int = 0, context: ProgramContext = CONTEXT) -> list[Step]:
    """The steps of a walk on that target."""
    generator = walk_program(profile, 1)(ProgramContext(**{**_members(context), "seed": seed}))
    sent: list[Step] = []
    try:
        step: Instruction = next(generator)
        while True:
            assert isinstance(step, Step)
            sent.append(step)
            step = generator.send(answer(step, len(sent)))
    except StopIteration:
        return sent


def _members(context: ProgramContext) -> dict[str, Any]:
    return {name: getattr(context, name) for name in ProgramContext.__dataclass_fields__}


def test_profiles_name_existing_actions() -> None:
    used = {action for profile in WALK_PROFILES for action in (*profile.opening, *profile.weights)}
    assert used == set(ACTIONS)
    assert set(ACTIONS) >= RUN_STARTING_ACTIONS


@pytest.mark.parametrize("profile", WALK_PROFILES, ids=lambda profile: profile.name)
def test_steps_refer_only_to_earlier_steps(profile: WalkProfile) -> None:
    for seed in range(5):
        known: set[str] = set()
        sent = walk_steps(profile, seed)
        assert len(sent) > 4
        for step in sent:
            for value in (*step.path.values(), *(value for _, value in step.query)):
                assert not isinstance(value, Ref) or value.step in known, step
            assert step_from_json(step_to_json(step)) == step
            known.add(step.name)


def test_a_seed_determines_the_walk() -> None:
    for profile in WALK_PROFILES:
        assert walk_steps(profile, 3) == walk_steps(profile, 3)
    assert walk_steps(BY_NAME["plain"], 3) != walk_steps(BY_NAME["plain"], 4)


def test_a_walk_starts_at_most_the_runs_of_its_profile() -> None:
    for profile in WALK_PROFILES:
        for seed in range(10):
            state = WalkState(CONTEXT)
            for number in range(MAX_STEPS):
                choice = next_step(state, profile, Random(f"{seed}{number}"))
                if choice is None:
                    break
                state.record(*choice, answer(choice[1], number))
            assert state.accepted_runs <= profile.runs


def test_the_second_key_is_used_only_if_there_is_one() -> None:
    assert any(step.key is Key.SECOND for seed in range(5) for step in walk_steps(BY_NAME["tenants"], seed))
    without = ProgramContext(edition="2026-08-14")
    assert all(step.key is Key.PRIMARY for seed in range(5) for step in walk_steps(BY_NAME["tenants"], seed, without))
    assert "tenants" not in {profile.name for profile in assign_profiles(0, 60, second_key=False)}


def test_profiles_are_equally_frequent_and_those_without_runs_twice() -> None:
    names = [profile.name for profile in assign_profiles(5, 40, second_key=True)]
    assert set(names) == set(BY_NAME)
    assert names.count("plain") == 2
    assert names.count("pages") == 4


def test_profiles_respect_the_limit_of_runs() -> None:
    for seed in range(20):
        profiles = list(assign_profiles(seed, 6, second_key=True, runs=3))
        assert len(profiles) == 6
        assert sum(profile.runs for profile in profiles) <= 3


def test_complete_and_incomplete_outputs_are_submitted() -> None:
    bodies = [
        len(step.body["tool_outputs"])
        for seed in range(20)
        for step in walk_steps(BY_NAME["many calls"], seed)
        if step.operation == "submit_tool_outputs" and isinstance(step.body, dict)
    ]
    assert {1, 2, 3} <= set(bodies)


def test_actions_are_possible_only_once_their_objects_exist() -> None:
    empty = WalkState(CONTEXT)
    possible = {name for name, action in ACTIONS.items() if action(empty, Random(0)) is not None}
    assert possible == {"create_thread", "create_long_thread", "create_assistant", "list_assistants"}


@PROFILE
@given(next_steps(WalkState(CONTEXT), BY_NAME["talk"]))
def test_next_steps_is_a_strategy(choice: tuple[str, Step] | None) -> None:
    assert choice is not None
    assert choice[1].operation == "create_thread"


def test_the_size_determines_the_programs() -> None:
    small, default = programs(CONTEXT, FuzzingSize(20, 2)), programs(CONTEXT)
    assert sum(program.id.startswith("explore.walk") for program in small) == 2
    assert sum(program.id.startswith("explore.walk") for program in default) == 20
    assert len({program.id for program in default}) == len(default)
    assert {program.phase for program in default} == {"explore"}
    assert sum(program.runs for program in default) <= 30
    supplied = ProgramContext(edition="2026-08-14", use={"assistant": "asst_1"})
    assert not any("_assistant" in program.id for program in programs(supplied))


def test_walks_differ() -> None:
    assert len(NOVELTY_DECAYS) == 2
    operations: Callable[[int], list[str]] = lambda seed: [step.operation for step in walk_steps(BY_NAME["talk"], seed)]  # noqa: E731
    assert len({tuple(operations(seed)) for seed in range(6)}) > 3


def test_only_the_first_step_is_a_fixture() -> None:
    first, *others = walk_steps(BY_NAME["talk"])
    assert first.role is Role.FIXTURE
    assert all(step.role in (Role.ACT, Role.READ) for step in others)
