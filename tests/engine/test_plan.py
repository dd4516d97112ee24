from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.plan import build_plan, selector
from tests.engine.scripted import SETTING, make_program

COMPLETE = make_program(id_="lifecycle.complete", runs=3)
SLOW = make_program(id_="lifecycle.slow", quick=False)
RACE = make_program(id_="races.two", phase="races")
TENANTS = make_program(id_="security.tenants", phase="security", needs="second_key", needs_text="a second API key")
EVERY = [COMPLETE, SLOW, RACE, TENANTS]


def ids(*args: object, **kwargs: object) -> list[str]:
    return [each.id for each in build_plan(EVERY, *args, **kwargs).programs]  # type: ignore[arg-type]


def test_profiles() -> None:
    assert ids(SETTING, "quick") == ["lifecycle.complete"]
    assert set(ids(SETTING, "standard")) == {"lifecycle.complete", "lifecycle.slow", "races.two"}


def test_the_longest_comes_first() -> None:
    assert ids(SETTING)[0] == "lifecycle.complete"


def test_phases() -> None:
    assert ids(SETTING, "standard", ("races",)) == ["races.two"]


def test_what_is_left_out_says_why_and_what_it_needs() -> None:
    left = {each.program.id: each for each in build_plan(EVERY, SETTING, "quick").skipped}
    assert left["security.tenants"].reason == "outside profile quick"
    left = {each.program.id: each for each in build_plan(EVERY, replace(SETTING, allow_stress=False)).skipped}
    assert left["security.tenants"].needs == "a second API key"
    assert left["races.two"].needs == "--allow-stress"


def test_a_second_key_lets_tenants_in() -> None:
    assert "security.tenants" in ids(replace(SETTING, has_second_api_key=True))


def test_estimates_add_up() -> None:
    assert build_plan(EVERY, SETTING).runs == 3


def test_selection() -> None:
    selected = selector(["create_run.*"], ["*.minimum"])
    assert selected("create_run.tools[].type")
    assert not selected("create_run.max_prompt_tokens.minimum")
    assert not selected("run.id.type")
    assert selector([], ["a.*"])("b.c")
