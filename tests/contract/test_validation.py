"""Validation: the constraints that are checked, the violations that are reported, and agreement with `jsonschema`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.constraint import body_documents, object_documents
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate, validate_document
from runs_conformance.errors import InternalError
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.operation_profile import operation_profiles
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.json import ABSENT
from tests.rules import histories

SAMPLER = Sampler("gpt-4o", accepts_any_file_id=True)
FOREIGN_VALUES: tuple[Any, ...] = (None, True, 7, 1.0, 0.5, "", "x", "unheard of", [], [1], {}, {"a": 1})


def violations_of(name: str, prefix: str, value: Any) -> list[tuple[str, str]]:
    return [(each.constraint, each.place) for each in validate_document(name, prefix, value).violations]


def create_run(**members: Any) -> list[tuple[str, str]]:
    return violations_of("requests/create_run", "create_run", {"assistant_id": "asst_1", **members})


def test_every_constraint_of_a_recorded_run_is_checked() -> None:
    result = validate_document("objects/run", "run", histories.run("completed"))
    assert result.valid
    assert {"run.id.required", "run.status.enum", "run.usage.prompt_tokens.type"} <= set(result.checked)
    assert len(set(result.checked)) > 60


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
def test_a_violation_is_reported_at_its_location(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert create_run(**members) == expected


def test_a_missing_member_is_reported_at_its_own_location() -> None:
    (violation,) = validate_document("requests/create_run", "create_run", {}).violations
    assert (violation.constraint, violation.pointer, violation.place) == (
        "create_run.assistant_id.required",
        "",
        "/assistant_id",
    )
    assert violation.actual is ABSENT
    assert violation.message == "create_run.assistant_id is missing"


def test_a_value_of_the_wrong_type_is_one_violation() -> None:
    assert violations_of("objects/run", "run", {**histories.run(), "status": 7}) == [("run.status.type", "/status")]


def test_an_overlap_is_at_most_half_of_its_chunk() -> None:
    at = (
        "create_thread.tool_resources.file_search.vector_stores[].chunking_strategy.static.chunk_overlap_tokens.maximum"
    )

    def chunks(size: int, overlap: int) -> list[tuple[str, str]]:
        static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
        stores = [{"chunking_strategy": {"type": "static", "static": static}}]
        return violations_of(
            "requests/create_thread", "create_thread", {"tool_resources": {"file_search": {"vector_stores": stores}}}
        )

    assert chunks(800, 400) == []
    assert [id_ for id_, _ in chunks(800, 401)] == [at]


def test_mutually_exclusive_members_are_a_violation() -> None:
    both: Any = {"tool_resources": {"file_search": {"vector_store_ids": [], "vector_stores": []}}}
    place = "/tool_resources/file_search"
    assert violations_of("requests/create_thread", "create_thread", both) == [
        ("create_thread.tool_resources.file_search.not", place)
    ]


def test_a_pattern_does_not_match_before_a_final_newline() -> None:
    tools = [{"type": "function", "function": {"name": "get_weather\n"}}]
    assert create_run(tools=tools) == [("create_run.tools[].function.name.pattern", "/tools/0/function/name")]


def test_an_unsupported_keyword_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match="multipleOf"):
        validate({"x-at": "x", "multipleOf": 2}, 3)


def test_a_run_in_a_list_keeps_its_own_constraints() -> None:
    page = histories.page(histories.run(status="nonsense"))
    assert ("run.status.enum", "/data/0/status") in violations_of("objects/run_list", "run_list", page)


# Comparison with jsonschema.


def variations(value: Any) -> Iterator[Any]:
    """The value with each place, at any depth, replaced by foreign values, and with each member left out."""
    yield from FOREIGN_VALUES
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
    violations = [
        violation
        for violation in validate(schema, value).violations
        if not violation.constraint.endswith("overlap_tokens.maximum")
    ]
    return (not violations) is oracle.is_valid(value)


@pytest.mark.parametrize("edition", [EDITIONS[0], EDITIONS[2], EDITIONS[-1]])
@pytest.mark.parametrize("kind", sorted(object_documents()))
def test_jsonschema_agrees_on_responses(kind: str, edition: str) -> None:
    schema = compile_schema(object_documents()[kind], kind, edition)
    oracle = Draft202012Validator(schema)
    for value in variations(SAMPLER.value(schema)):
        assert agrees(schema, oracle, value), value


@pytest.mark.parametrize("operation", sorted(body_documents()))
def test_jsonschema_agrees_on_requests(operation: str) -> None:
    factory = payload_factory(operation, EDITIONS[-1], SAMPLER)
    oracle = Draft202012Validator(factory.schema)
    for payload in factory.single_value_payloads():
        assert oracle.is_valid(payload.body), payload.constraint
    for negative in factory.negatives():
        # jsonschema does not know x-atMostHalfOf.
        assert oracle.is_valid(negative.body) is negative.constraint.endswith("chunk_overlap_tokens.maximum")
    for value in variations(dict(operation_profiles(SAMPLER)[operation].control)):
        assert agrees(factory.schema, oracle, value), value


def test_a_union_allows_the_types_of_its_branches() -> None:
    schema = compile_schema("requests/create_run", "create_run")
    assert allowed_types(schema["properties"]["tool_choice"]) == ["null", "object", "string"]
