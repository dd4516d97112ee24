"""Examining values: what is looked at, which faults are found, and that `jsonschema` agrees."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.constraint import objects, request_bodies
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.contract.schema_violation import examine, examine_schema, types_of
from runs_conformance.errors import SuiteFault
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.operation_profile import subjects
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.json import ABSENT
from tests.rules import histories as told

SAMPLER = Sampler("gpt-4o", any_file=True)
STRANGERS: tuple[Any, ...] = (None, True, 7, 1.0, 0.5, "", "x", "unheard of", [], [1], {}, {"a": 1})


def found(name: str, prefix: str, value: Any) -> list[tuple[str, str]]:
    return [(fault.constraint, fault.place) for fault in examine(name, prefix, value).faults]


def create_run(**members: Any) -> list[tuple[str, str]]:
    return found("requests/create_run", "create_run", {"assistant_id": "asst_1", **members})


def test_a_run_as_the_service_answered_it_is_looked_at_from_all_sides() -> None:
    examination = examine("objects/run", "run", told.run("completed"))
    assert examination.valid
    assert {"run.id.required", "run.status.enum", "run.usage.prompt_tokens.type"} <= set(examination.judged)
    assert len(set(examination.judged)) > 60


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_prompt_tokens": 255}, [("create_run.max_prompt_tokens.minimum", "/max_prompt_tokens")]),
        ({"max_prompt_tokens": "256"}, [("create_run.max_prompt_tokens.type", "/max_prompt_tokens")]),
        ({"max_prompt_tokens": True}, [("create_run.max_prompt_tokens.type", "/max_prompt_tokens")]),
        ({"max_prompt_tokens": 256.5}, [("create_run.max_prompt_tokens.type", "/max_prompt_tokens")]),
        ({"max_prompt_tokens": 256.0}, []),
        ({"temperature": 2}, []),
        ({"temperature": 2.01}, [("create_run.temperature.maximum", "/temperature")]),
        ({"bogus": 1}, [("create_run.additionalProperties", "/bogus")]),
        ({"metadata": {"k" * 65: "v"}}, [("create_run.metadata.propertyNames.maxLength", "/metadata/" + "k" * 65)]),
        ({"metadata": {"k": 1}}, [("create_run.metadata{}.type", "/metadata/k")]),
        ({"tools": [{"type": "retrieval"}]}, [("create_run.tools[].type.enum", "/tools/0/type")]),
        ({"tools": [{}]}, [("create_run.tools[].type.required", "/tools/0/type")]),
        ({"tools": ["x"]}, [("create_run.tools[].type", "/tools/0")]),
        ({"tools": [{"type": "function"}]}, [("create_run.tools[].function.required", "/tools/0/function")]),
        ({"tool_choice": "any"}, [("create_run.tool_choice.enum", "/tool_choice")]),
        ({"tool_choice": 5}, [("create_run.tool_choice.type", "/tool_choice")]),
        ({"response_format": {"type": "json_schema"}},
         [("create_run.response_format.json_schema.required", "/response_format/json_schema")]),
    ],
)  # fmt: skip
def test_a_fault_is_reported_where_it_is(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert create_run(**members) == expected


def test_a_missing_member_is_found_at_its_own_place() -> None:
    (fault,) = examine("requests/create_run", "create_run", {}).faults
    assert (fault.constraint, fault.pointer, fault.place) == ("create_run.assistant_id.required", "", "/assistant_id")
    assert fault.actual is ABSENT
    assert fault.message == "create_run.assistant_id is missing"


def test_a_value_of_the_wrong_type_is_one_fault() -> None:
    assert found("objects/run", "run", {**told.run(), "status": 7}) == [("run.status.type", "/status")]


def test_an_overlap_is_at_most_half_of_its_chunk() -> None:
    at = (
        "create_thread.tool_resources.file_search.vector_stores[].chunking_strategy.static.chunk_overlap_tokens.maximum"
    )

    def chunks(size: int, overlap: int) -> list[tuple[str, str]]:
        static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
        stores = [{"chunking_strategy": {"type": "static", "static": static}}]
        return found(
            "requests/create_thread", "create_thread", {"tool_resources": {"file_search": {"vector_stores": stores}}}
        )

    assert chunks(800, 400) == []
    assert [id_ for id_, _ in chunks(800, 401)] == [at]


def test_what_excludes_each_other_does_not_come_together() -> None:
    both: Any = {"tool_resources": {"file_search": {"vector_store_ids": [], "vector_stores": []}}}
    place = "/tool_resources/file_search"
    assert found("requests/create_thread", "create_thread", both) == [
        ("create_thread.tool_resources.file_search.not", place)
    ]


def test_a_pattern_ends_where_the_text_ends() -> None:
    tools = [{"type": "function", "function": {"name": "get_weather\n"}}]
    assert create_run(tools=tools) == [("create_run.tools[].function.name.pattern", "/tools/0/function/name")]


def test_a_keyword_that_nothing_examines_is_a_fault_of_the_suite() -> None:
    with pytest.raises(SuiteFault, match="multipleOf"):
        examine_schema({"x-at": "x", "multipleOf": 2}, 3)


def test_a_run_in_a_list_keeps_its_own_constraints() -> None:
    page = told.page(told.run(status="nonsense"))
    assert ("run.status.enum", "/data/0/status") in found("objects/run_list", "run_list", page)


# What jsonschema says of the same values.


def variations(value: Any) -> Iterator[Any]:
    """The value with each of its places, at any depth, replaced by strangers, and with each member left out."""
    yield from STRANGERS
    if isinstance(value, dict):
        yield {**value, "unheard_of": 1}
        for name, member in value.items():
            yield {key: inner for key, inner in value.items() if key != name}
            for varied in variations(member):
                yield {**value, name: varied}
    if isinstance(value, list):
        yield [*value, *copy.deepcopy(value)] * 9
        for index, item in enumerate(value):
            for varied in variations(item):
                yield [*value[:index], varied, *value[index + 1 :]]


def agrees(schema: Schema, oracle: Draft202012Validator, value: Any) -> bool:
    faults = [
        fault
        for fault in examine_schema(schema, value).faults
        if not fault.constraint.endswith("overlap_tokens.maximum")
    ]
    return (not faults) is oracle.is_valid(value)


@pytest.mark.parametrize("edition", [EDITIONS[0], EDITIONS[2], EDITIONS[-1]])
@pytest.mark.parametrize("kind", sorted(objects()))
def test_jsonschema_agrees_on_answers(kind: str, edition: str) -> None:
    schema = compiled(objects()[kind], kind, edition)
    oracle = Draft202012Validator(schema)
    for value in variations(SAMPLER.value(schema)):
        assert agrees(schema, oracle, value), value


@pytest.mark.parametrize("operation", sorted(request_bodies()))
def test_jsonschema_agrees_on_requests(operation: str) -> None:
    made = bench(operation, EDITIONS[-1], SAMPLER)
    oracle = Draft202012Validator(made.schema)
    for payload in made.singles():
        assert oracle.is_valid(payload.body), payload.constraint
    for negative in made.negatives():
        # Our own keyword is the one that jsonschema does not know.
        assert oracle.is_valid(negative.body) is negative.constraint.endswith("chunk_overlap_tokens.maximum")
    for value in variations(dict(subjects(SAMPLER)[operation].control)):
        assert agrees(made.schema, oracle, value), value


def test_types_of_a_union_are_those_of_its_branches() -> None:
    schema = compiled("requests/create_run", "create_run")
    assert types_of(schema["properties"]["tool_choice"]) == ["null", "object", "string"]
