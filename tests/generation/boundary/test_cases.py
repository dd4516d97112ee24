"""The cases of an operation are complete and deterministic, and each negative has one mutated place."""

from __future__ import annotations

from functools import cache

import pytest

from runs_conformance.contract.constraint import body_documents, constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.generation.boundary import constraints_without_resources, programs, unsendable_constraints
from runs_conformance.generation.boundary.cases import OperationCases, build_cases, payload_factory
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.packing import pack
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import Accept, Either, Role, Step, step_to_json
from runs_conformance.model.json import ABSENT, at, json_equal
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.step_decoding import step_from_json
from tests.generation.boundary.target import CONTEXT

SAMPLER = Sampler("gpt-4o", accepts_any_file_id=True)


@cache
def cases_of(operation: str, edition: str = "2026-08-14") -> OperationCases:
    return build_cases(operation, edition, SAMPLER, FIXTURES[operation].path)


def valid_steps(cases: OperationCases) -> list[Step]:
    return [
        step for request in (*cases.positive_controls, *cases.extra_valid) for step in (request.step, *request.parts)
    ]


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_constraint_is_violated_by_a_negative_or_unsendable(edition: str) -> None:
    context = ProgramContext(edition=edition, accepts_any_file_id=True)
    assert constraints_without_resources(context) == {}
    unsendable = unsendable_constraints(edition)
    violated = {
        id_ for operation in FIXTURES for step in cases_of(operation, edition).negatives for id_ in step.exercises
    }
    request_constraints = {id_ for id_, constraint in constraints(edition).items() if constraint.side == "request"}
    assert violated | unsendable.keys() == request_constraints
    assert not violated & unsendable.keys()


@pytest.mark.parametrize("operation", FIXTURES)
def test_every_violated_constraint_is_also_exercised(operation: str) -> None:
    cases = cases_of(operation)
    exercised = {id_ for step in [cases.control, *valid_steps(cases)] for id_ in step.exercises}
    assert {id_ for step in cases.negatives for id_ in step.exercises} <= exercised
    controlled = {id_ for request in cases.positive_controls for id_ in request.step.exercises} | set(
        cases.control.exercises
    )
    assert {id_ for step in cases.negatives for id_ in step.exercises} <= controlled


def test_without_file_ids_the_constraints_that_need_them_are_named() -> None:
    missing = constraints_without_resources(ProgramContext(edition="2026-08-14"))
    assert "create_thread.tool_resources.code_interpreter.file_ids.maxItems" in missing
    assert "create_run.max_prompt_tokens.minimum" not in missing
    assert all("files" in text for text in missing.values())


@pytest.mark.parametrize("operation", sorted(body_documents()))
def test_packing_loses_no_boundary_value(operation: str) -> None:
    factory = payload_factory(operation, "2026-08-14", SAMPLER)
    singles = [
        payload
        for payload in factory.single_value_payloads()
        if not payload.implementation_defined and not payload.optional
    ]
    groups = pack(factory, factory.single_value_payloads())
    packed_values = {value for group in groups for value in map(repr, group.values)}
    distinct = {repr(payload.values[0]): payload for payload in singles}
    bodies = [part.body for group in groups for part in (group.parts or (group,))]
    for value, payload in distinct.items():
        assert value in packed_values or payload.body in bodies
    assert len(groups) <= 10


@pytest.mark.parametrize("operation", sorted(body_documents()))
def test_packed_payloads_are_valid_and_keep_their_certainty(operation: str) -> None:
    factory = payload_factory(operation, "2026-08-14", SAMPLER)
    for group in pack(factory, factory.single_value_payloads()):
        assert validate_document(body_documents()[operation], operation, group.body).valid
        assert factory.implementation_defined_reason(group.body) == group.implementation_defined
        assert sum(part.separate for part in group.parts) <= 1


@pytest.mark.parametrize("operation", ["create_run", "create_thread_and_run", "submit_tool_outputs"])
def test_exactly_one_body_requests_a_stream(operation: str) -> None:
    factory = payload_factory(operation, "2026-08-14", SAMPLER)
    groups = pack(factory, factory.single_value_payloads())
    assert sum(group.body.get("stream") is True for group in groups) == 1


def test_optional_payloads_add_no_request() -> None:
    factory = payload_factory("modify_thread", "2026-08-14", SAMPLER)
    singles = list(factory.single_value_payloads())
    needed = [payload for payload in singles if not payload.optional]
    assert len(needed) < len(singles)
    assert len(pack(factory, singles)) == len(pack(factory, needed))


@pytest.mark.parametrize("member", ["tool_outputs[].type", "tool_outputs[].tool_call_id.required"])
def test_invalid_output_is_sent_behind_the_right_one_and_once_alone(member: str) -> None:
    control, behind, alone, *others = [
        at(step_to_json(step), "/body/tool_outputs")
        for step in (cases_of("submit_tool_outputs").control, *cases_of("submit_tool_outputs").negatives)
        if step.role is not Role.NEGATIVE or f"submit_tool_outputs.{member}" in step.exercises
    ]
    assert isinstance(control, list)
    for outputs in (behind, *others):
        assert isinstance(outputs, list)
        assert outputs[:-1] == control
    assert isinstance(behind, list)
    assert alone == behind[-1:]


def test_unusual_values_are_sent_once_for_places_that_operations_share() -> None:
    def sent(operation: str, id_: str) -> list[object]:
        return [
            step.mutation.mutated for step in cases_of(operation).negatives if step.mutation and id_ in step.exercises
        ]

    assert sent("create_run", "create_run.metadata.type") == ["sample", [], 5]
    assert sent("create_thread", "create_thread.metadata.type") == ["sample"]
    # Each operation parses numbers and booleans itself; places that differ between operations get every value.
    assert sent("create_run", "create_run.temperature.type") == ["1", True, {}]
    assert sent("create_assistant", "create_assistant.temperature.type") == ["1", True]
    assert len(sent("create_assistant", "create_assistant.model.type")) == 4


def test_null_is_sent_at_every_depth() -> None:
    sent_null = {
        id_
        for step in cases_of("create_run").negatives
        for id_ in step.exercises
        if step.mutation and step.mutation.mutated is None
    }
    assert "create_run.tools[].file_search.ranking_options.score_threshold.type" in sent_null
    assert "create_run.tools[].function.parameters.type" in sent_null


@pytest.mark.parametrize("operation", ["create_run", "create_assistant", "modify_assistant"])
def test_a_name_of_an_enum_is_sent_where_null_is_allowed(operation: str) -> None:
    id_ = f"{operation}.reasoning_effort.enum"
    steps = [case.step for case in cases_of(operation).positive_controls if id_ in case.step.exercises]
    assert [at(step_to_json(step), "/body/reasoning_effort") for step in steps] == ["medium"]
    assert isinstance(steps[0].expectation, Either)


@pytest.mark.parametrize("operation", FIXTURES)
def test_steps_declare_their_purpose(operation: str) -> None:
    cases = cases_of(operation)
    assert cases.control.role is Role.CONTROL
    assert cases.control.expectation == Accept()
    for step in cases.negatives:
        assert step.role is Role.NEGATIVE
        assert step.mutation is not None
        assert len(step.exercises) == 1 or (not step.exercises and step.anomaly)
    for step in valid_steps(cases):
        assert step.role is Role.VALID
        assert step.exercises
        assert (step.mutation is None) or not step.packed
    for step in (cases.control, *cases.negatives, *valid_steps(cases)):
        assert step_from_json(step_to_json(step)).id == step.id


def test_a_negative_differs_from_a_valid_body_only_at_its_place() -> None:
    factory = payload_factory("create_run", "2026-08-14", SAMPLER)
    for negative in factory.negatives():
        mutation = negative.mutation
        assert at(negative.body, mutation.pointer) == mutation.mutated
        assert not json_equal(mutation.original, mutation.mutated)
        if mutation.original is not ABSENT and mutation.pointer:
            assert not mutation.pointer.startswith("/unexpected")


def test_step_ids_are_stable_and_distinct() -> None:
    first = [step.id for operation in FIXTURES for step in cases_of(operation).negatives]
    cases_of.cache_clear()
    again = [step.id for operation in FIXTURES for step in cases_of(operation).negatives]
    assert first == again
    assert len(set(first)) == len(first)


def test_boundary_programs_stay_within_the_budget() -> None:
    all_programs = programs(CONTEXT)
    assert sum(program.requests for program in all_programs) <= 1300
    assert sum(program.runs for program in all_programs if program.id.startswith("boundary.create")) <= 26


def test_programs_of_some_operations() -> None:
    assert [program.id for program in programs(CONTEXT, ["modify_run"])] == ["boundary.modify_run"]


def test_an_assistant_in_use_is_not_modified() -> None:
    context = ProgramContext(edition="2026-08-14", use={"assistant": "asst_real"})
    assert not {"boundary.create_assistant", "boundary.modify_assistant"} & {p.id for p in programs(context)}
