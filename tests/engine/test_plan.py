"""Profile, phases and needs select the programs of a plan and their order."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.plan import build_plan, is_choice, selector
from runs_conformance.model.program import ProgramContext
from tests.engine.scripted import SETTING, make_program

COMPLETE = make_program(id_="lifecycle.complete", runs=3)
SLOW = make_program(id_="lifecycle.slow", quick=False)
RACE = make_program(id_="races.two", phase="races")
TENANTS = make_program(
    id_="security.tenants", phase="security", needs="has_second_api_key", needs_text="a second API key"
)
EVERY = [COMPLETE, SLOW, RACE, TENANTS]


def ids(*args: object, **kwargs: object) -> list[str]:
    return [each.id for each in build_plan(EVERY, *args, **kwargs).programs]  # type: ignore[arg-type]


def test_profile_selects_programs() -> None:
    assert ids(SETTING, "quick") == ["lifecycle.complete"]
    assert set(ids(SETTING, "standard")) == {"lifecycle.complete", "lifecycle.slow", "races.two"}


def test_longest_program_comes_first() -> None:
    assert ids(SETTING)[0] == "lifecycle.complete"


def test_malformed_requests_come_last() -> None:
    malformed = make_program(id_="robustness.odd", phase="robustness", requests=50)
    assert [each.id for each in build_plan([malformed, SLOW], SETTING).programs] == ["lifecycle.slow", "robustness.odd"]


def test_phases_select_programs() -> None:
    assert ids(SETTING, "standard", ("races",)) == ["races.two"]


def test_skipped_program_has_a_reason_and_a_need() -> None:
    skipped = {each.program.id: each for each in build_plan(EVERY, SETTING, "quick").skipped}
    assert skipped["races.two"].reason == skipped["lifecycle.slow"].reason == "outside profile quick"
    skipped = {each.program.id: each for each in build_plan(EVERY, replace(SETTING, allow_stress=False)).skipped}
    assert skipped["security.tenants"].needs == "a second API key"
    assert skipped["races.two"].needs == "--allow-stress"


def test_a_smaller_test_run_is_the_choice_of_the_user_but_a_need_is_not() -> None:
    def is_chosen(setting: ProgramContext = SETTING, *args: object, **kwargs: object) -> dict[str, bool]:
        skipped = build_plan(EVERY, setting, *args, **kwargs).skipped  # type: ignore[arg-type]
        return {each.program.id: is_choice(each.reason) for each in skipped}

    assert is_chosen() == {"security.tenants": False}
    assert is_chosen(SETTING, "quick") == {"lifecycle.slow": True, "races.two": True, "security.tenants": False}
    assert is_chosen(SETTING, "standard", ("races",))["lifecycle.slow"]
    assert is_chosen(is_selected=lambda program: False)["races.two"]
    assert is_chosen(replace(SETTING, read_only=True))["lifecycle.complete"]
    assert not is_chosen(replace(SETTING, allow_stress=False))["races.two"]


def test_second_key_enables_tenant_programs() -> None:
    assert "security.tenants" in ids(replace(SETTING, has_second_api_key=True))


def test_estimates_are_sums() -> None:
    assert build_plan(EVERY, SETTING).runs == 3


def test_selector_matches_globs() -> None:
    selected = selector(["create_run.*"], ["*.minimum"])
    assert selected("create_run.tools[].type")
    assert not selected("create_run.max_prompt_tokens.minimum")
    assert not selected("run.id.type")
    assert selector([], ["a.*"])("b.c")
