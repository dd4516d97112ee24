"""The requests made for an operation: complete, deterministic, each negative with one mutated place."""

from __future__ import annotations

from functools import cache

import pytest

from runs_conformance.contract.constraint import constraints, request_bodies
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.schema_violation import examine
from runs_conformance.generation.boundary import lacking, programs, unsendable
from runs_conformance.generation.boundary.cases import PACKED, Material, bench, material
from runs_conformance.generation.boundary.fixtures import STAGES
from runs_conformance.generation.boundary.packing import packed
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import Accept, Role, Step, step_from_json, step_to_json
from runs_conformance.model.json import ABSENT, at, same
from runs_conformance.model.program import Setting
from tests.generation.boundary.target import SETTING

SAMPLER = Sampler("gpt-4o", any_file=True)


@cache
def made(operation: str, edition: str = "2026-08-14") -> Material:
    return material(operation, edition, SAMPLER, STAGES[operation].path)


def legal(given: Material) -> list[Step]:
    return [step for request in (*given.twins, *given.further) for step in (request.step, *request.parts)]


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_constraint_is_broken_by_a_negative_or_cannot_be(edition: str) -> None:
    setting = Setting(edition=edition, accepts_any_file_id=True)
    assert lacking(setting) == {}
    never = unsendable(edition)
    broken = {id_ for operation in STAGES for step in made(operation, edition).negatives for id_ in step.exercises}
    asked = {id_ for id_, constraint in constraints(edition).items() if constraint.side == "request"}
    assert broken | never.keys() == asked
    assert not broken & never.keys()


@pytest.mark.parametrize("operation", STAGES)
def test_every_place_that_is_broken_is_also_shown_legal(operation: str) -> None:
    given = made(operation)
    shown = {id_ for step in [given.control, *legal(given)] for id_ in step.exercises}
    assert {id_ for step in given.negatives for id_ in step.exercises} <= shown
    in_time = {id_ for request in given.twins for id_ in request.step.exercises} | set(given.control.exercises)
    assert {id_ for step in given.negatives for id_ in step.exercises} <= in_time


def test_without_file_ids_what_lacks_them_is_named() -> None:
    missing = lacking(Setting(edition="2026-08-14"))
    assert "create_thread.tool_resources.code_interpreter.file_ids.maxItems" in missing
    assert "create_run.max_prompt_tokens.minimum" not in missing
    assert all("files" in text for text in missing.values())


@pytest.mark.parametrize("operation", sorted(request_bodies()))
def test_packing_loses_no_edge(operation: str) -> None:
    table = bench(operation, "2026-08-14", SAMPLER)
    singles = [payload for payload in table.singles() if not payload.doubt and not payload.further]
    groups = packed(table, table.singles())
    carried = {value for group in groups for value in map(repr, group.values)}
    distinct = {repr(payload.values[0]): payload for payload in singles}
    bodies = [part.body for group in groups for part in (group.parts or (group,))]
    for edge, payload in distinct.items():
        assert edge in carried or payload.body in bodies
    assert len(groups) <= 10


@pytest.mark.parametrize("operation", sorted(request_bodies()))
def test_what_must_be_accepted_is_legal_and_beyond_doubt(operation: str) -> None:
    table = bench(operation, "2026-08-14", SAMPLER)
    for group in packed(table, table.singles()):
        assert examine(request_bodies()[operation], operation, group.body).valid
        assert table.doubt(group.body) == group.doubt
        assert sum(part.alone for part in group.parts) <= 1


@pytest.mark.parametrize("operation", ["create_run", "create_thread_and_run", "submit_tool_outputs"])
def test_a_stream_is_asked_for_by_one_body_alone(operation: str) -> None:
    table = bench(operation, "2026-08-14", SAMPLER)
    groups = packed(table, table.singles())
    assert sum(group.body.get("stream") is True for group in groups) == 1


def test_a_further_edge_is_no_reason_to_send_a_request() -> None:
    table = bench("modify_thread", "2026-08-14", SAMPLER)
    singles = list(table.singles())
    needed = [payload for payload in singles if not payload.further]
    assert len(needed) < len(singles)
    assert len(packed(table, singles)) == len(packed(table, needed))


def test_what_operations_state_alike_is_tried_with_odder_values_once() -> None:
    def sent(operation: str, id_: str) -> list[object]:
        return [step.mutation.became for step in made(operation).negatives if step.mutation and id_ in step.exercises]

    assert sent("create_run", "create_run.metadata.type") == ["sample", [], 5]
    assert sent("create_thread", "create_thread.metadata.type") == ["sample"]
    # Numbers and truth values are read by each operation in its own way; what is not stated alike is tried in full.
    assert sent("create_assistant", "create_assistant.temperature.type") == ["1", True, {}]
    assert len(sent("create_assistant", "create_assistant.model.type")) == 4


@pytest.mark.parametrize("operation", STAGES)
def test_steps_say_what_they_are_for(operation: str) -> None:
    given = made(operation)
    assert given.control.role is Role.CONTROL
    assert given.control.expectation == Accept()
    for step in given.negatives:
        assert step.role is Role.NEGATIVE
        assert step.mutation is not None
        assert len(step.exercises) == 1 or (not step.exercises and step.tag)
    for step in legal(given):
        assert step.role is Role.VALID
        assert step.exercises
        assert (step.mutation is None) or step.tag != PACKED
    for step in (given.control, *given.negatives, *legal(given)):
        assert step_from_json(step_to_json(step)).id == step.id


def test_a_negative_differs_from_a_legal_body_in_its_place_alone() -> None:
    table = bench("create_run", "2026-08-14", SAMPLER)
    for negative in table.negatives():
        mutation = negative.mutation
        assert at(negative.body, mutation.pointer) == mutation.became
        assert not same(mutation.was, mutation.became)
        if mutation.was is not ABSENT and mutation.pointer:
            assert not mutation.pointer.startswith("/unexpected")


def test_ids_are_the_same_every_time_and_differ_from_each_other() -> None:
    first = [step.id for operation in STAGES for step in made(operation).negatives]
    made.cache_clear()
    again = [step.id for operation in STAGES for step in made(operation).negatives]
    assert first == again
    assert len(set(first)) == len(first)


def test_the_whole_is_affordable() -> None:
    every = programs(SETTING)
    assert sum(program.requests for program in every) <= 1300
    assert sum(program.runs for program in every if program.id.startswith("boundary.create")) <= 26
    quick = [program for program in every if program.quick]
    assert {program.id.split(".")[1] for program in quick} == {
        "create_run",
        "create_thread_and_run",
        "submit_tool_outputs",
        "modify_run",
    }


def test_programs_of_some_operations() -> None:
    assert [program.id for program in programs(SETTING, ["modify_run"])] == ["boundary.modify_run"]


def test_a_given_assistant_is_left_as_it_is() -> None:
    setting = Setting(edition="2026-08-14", given={"assistant": "asst_real"})
    assert not {"boundary.create_assistant", "boundary.modify_assistant"} & {p.id for p in programs(setting)}
