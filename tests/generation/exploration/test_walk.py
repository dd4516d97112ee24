"""Walks: each step is drawn from the story so far, and the same story and seed give the same step."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given

from runs_conformance.generation.fuzzing.actions import ACTS, STARTS
from runs_conformance.generation.fuzzing.catalogue import programs
from runs_conformance.generation.fuzzing.size import Dose
from runs_conformance.generation.fuzzing.walk import MOST_STEPS, following, next_step, walking
from runs_conformance.generation.fuzzing.walk_profile import FADINGS, THEMES, Theme, dealt
from runs_conformance.generation.fuzzing.walk_state import Story
from runs_conformance.generation.payloads.strategy import PROFILE
from runs_conformance.model.case import Key, Move, Ref, Role, Step, step_from_json, step_to_json
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.program import Setting

SETTING = Setting(edition="2026-08-14", accepts_any_file_id=True, second_key=True)
BY_NAME = {theme.name: theme for theme in THEMES}


def answer(step: Step, number: int) -> Exchange:
    """A plain target's answer: whatever is created is there, runs wait for two outputs, lists hold three items."""
    calls = [{"id": f"call_{index}", "function": {"name": "f", "arguments": "{}"}} for index in range(2)]
    body: dict[str, Any] = {"id": f"{step.operation}_{number}", "object": "thing"}
    if "run" in step.operation:
        asked = {"submit_tool_outputs": {"tool_calls": calls}}
        body |= {"object": "thread.run", "id": "run_1", "thread_id": "thread_1", "status": "requires_action"}
        body |= {"required_action": asked}
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


def walked(theme: Theme, seed: int = 0, setting: Setting = SETTING) -> list[Step]:
    """The steps of a walk on that target."""
    moves = walking(theme, 1)(Setting(**{**_members(setting), "seed": seed}))
    sent: list[Step] = []
    try:
        move: Move = next(moves)
        while True:
            assert isinstance(move, Step)
            sent.append(move)
            move = moves.send(answer(move, len(sent)))
    except StopIteration:
        return sent


def _members(setting: Setting) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in Setting.__dataclass_fields__}


def test_themes_name_acts_that_there_are() -> None:
    named = {act for theme in THEMES for act in (*theme.opening, *theme.weights)}
    assert named <= set(ACTS)
    assert set(ACTS) - named <= {"rich_run", "stranger"}
    assert set(ACTS) >= STARTS


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_walks_take_steps_that_refer_to_what_came_before(theme: Theme) -> None:
    for seed in range(5):
        known: set[str] = set()
        sent = walked(theme, seed)
        assert len(sent) > 4
        for step in sent:
            for value in (*step.path.values(), *(value for _, value in step.query)):
                assert not isinstance(value, Ref) or value.step in known, step
            assert step_from_json(step_to_json(step)) == step
            known.add(step.name)


def test_same_seed_same_walk() -> None:
    for theme in THEMES:
        assert walked(theme, 3) == walked(theme, 3)
    assert walked(BY_NAME["plain"], 3) != walked(BY_NAME["plain"], 4)


def test_a_walk_starts_no_more_runs_than_its_theme_has() -> None:
    for theme in THEMES:
        for seed in range(10):
            story = Story(SETTING)
            for number in range(MOST_STEPS):
                drawn = next_step(story, theme, Random(f"{seed}{number}"))
                if drawn is None:
                    break
                story.tell(*drawn, answer(drawn[1], number))
            assert story.accepted_runs <= theme.runs


def test_other_tenants_come_only_where_there_is_a_second_key() -> None:
    assert any(step.key is Key.SECOND for seed in range(5) for step in walked(BY_NAME["tenants"], seed))
    alone = Setting(edition="2026-08-14")
    assert all(step.key is Key.OWN for seed in range(5) for step in walked(BY_NAME["tenants"], seed, alone))
    assert "tenants" not in {theme.name for theme in dealt(0, 60, second_key=False)}


def test_every_theme_is_dealt_as_often_and_those_without_runs_twice() -> None:
    dealt_out = [theme.name for theme in dealt(5, 40, second_key=True)]
    assert set(dealt_out) == set(BY_NAME)
    assert dealt_out.count("plain") == 2
    assert dealt_out.count("pages") == 4


def test_no_more_runs_are_given_out_than_there_are() -> None:
    for seed in range(20):
        themes = list(dealt(seed, 6, second_key=True, runs=3))
        assert len(themes) == 6
        assert sum(theme.runs for theme in themes) <= 3


def test_wrong_outputs_and_right_ones_are_submitted() -> None:
    bodies = [
        len(step.body["tool_outputs"])
        for seed in range(20)
        for step in walked(BY_NAME["many calls"], seed)
        if step.operation == "submit_tool_outputs" and isinstance(step.body, dict)
    ]
    assert {1, 2, 3} <= set(bodies)


def test_acts_that_need_something_are_not_drawn_before_it_is_there() -> None:
    nothing = Story(SETTING)
    possible = {name for name, act in ACTS.items() if act(nothing, Random(0)) is not None}
    assert possible == {"new_thread", "long_thread", "new_assistant", "list_assistants"}


@PROFILE
@given(following(Story(SETTING), BY_NAME["talk"]))
def test_the_next_step_is_a_strategy(drawn: tuple[str, Step] | None) -> None:
    assert drawn is not None
    assert drawn[1].operation == "create_thread"


def test_exploration_is_planned_by_its_size() -> None:
    small, usual = programs(SETTING, Dose(20, 2)), programs(SETTING)
    assert sum(program.id.startswith("explore.walk") for program in small) == 2
    assert sum(program.id.startswith("explore.walk") for program in usual) == 20
    assert len({program.id for program in usual}) == len(usual)
    assert {program.phase for program in usual} == {"explore"}
    assert sum(program.runs for program in usual) <= 30
    given = Setting(edition="2026-08-14", given={"assistant": "asst_1"})
    assert not any("_assistant" in program.id for program in programs(given))


def test_fadings_make_walks_differ() -> None:
    assert len(FADINGS) == 2
    acts: Callable[[int], list[str]] = lambda seed: [step.operation for step in walked(BY_NAME["talk"], seed)]  # noqa: E731
    assert len({tuple(acts(seed)) for seed in range(6)}) > 3


def test_fixtures_are_acts_in_a_walk() -> None:
    first, *others = walked(BY_NAME["talk"])
    assert first.role is Role.FIXTURE
    assert all(step.role in (Role.ACT, Role.LOOK) for step in others)
