"""The plan of profile quick is the one derived from the committed measurement, and has something of each topic."""

from __future__ import annotations

import pytest

from runs_conformance.engine.decisions import QUICK_TABLE, load_decisions
from runs_conformance.engine.quick_plan import load_quick_programs
from tests.quality.quick_cover import MAX_REQUESTS, MAX_RUNS, TOPICS, Cover, Measurement, Trace, derive
from tests.quality.quick_plan import read

COMMAND = "run `python -m tests.quality.quick_plan` and commit what it writes"
DECISIONS = "run `python -m tests.quality.decisions --quick` and commit what it writes"
TRACES = {
    "lifecycle.long": Trace(30, 1, {"a": (), "b": ("a",), "c": ()}),
    "lifecycle.short": Trace(6, 0, {"d": ()}),
}


def test_plan_is_derived_from_the_measurement() -> None:
    assert derive(read()).programs() == load_quick_programs(), COMMAND


def test_decisions_were_measured_with_these_programs() -> None:
    deciders = frozenset[str]().union(*load_decisions(QUICK_TABLE).deciders.values())
    assert {id_ for id_ in deciders if not id_.startswith("boundary.")} == load_quick_programs().keys(), DECISIONS


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_a_program(topic: str) -> None:
    assert any(id_.startswith(TOPICS[topic]) for id_ in load_quick_programs())


def test_plan_keeps_its_limits_and_reveals_most_measured_mutants() -> None:
    cover = derive(read())
    assert cover.requests <= MAX_REQUESTS
    assert cover.runs <= MAX_RUNS
    assert len(cover.missed) <= 0.2 * len(cover.measurement.mutants)


def cover_of(**mutants: dict[str, tuple[str, ...]]) -> Cover:
    cover = Cover(Measurement(TRACES, mutants))
    while cover.extend(TRACES):
        continue
    return cover


def test_the_cheapest_program_is_chosen() -> None:
    cover = cover_of(fault={"lifecycle.long": (), "lifecycle.short": ()})
    assert cover.chosen == {"lifecycle.short": frozenset()}


def test_only_revealing_steps_are_kept_with_those_that_they_refer_to() -> None:
    plan = cover_of(fault={"lifecycle.long": ("b",)}).programs()
    assert plan["lifecycle.long"].omitted == {"c"}
    assert plan["lifecycle.long"].requests == 29


def test_a_chosen_program_is_extended() -> None:
    cover = cover_of(first={"lifecycle.short": ()}, second={"lifecycle.short": ("d",), "lifecycle.long": ()})
    assert cover.chosen == {"lifecycle.short": frozenset({"d"})}
    assert not cover.missed


def test_programs_start_no_run_that_they_can_do_without() -> None:
    alternative = Trace(10, 0, {"c": ()}, frozenset({"create_run:1:*"}))
    mutants = {"first": {"lifecycle.long": ("c",)}, "second": {"lifecycle.long": ("b",)}}
    measurement = Measurement(TRACES, mutants, {"lifecycle.long": alternative})
    plan = derive(measurement).programs()["lifecycle.long"]
    assert (plan.runs, plan.requests, plan.omitted) == (0, 10, frozenset({"create_run:1:*"}))
