"""The valid and invalid values of single places."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.invalid_values import wrong_type_values
from runs_conformance.generation.boundary.payload_factory import PayloadFactory
from runs_conformance.generation.boundary.sample import MissingResource, Sampler, depends_on_files
from runs_conformance.model.json import ABSENT, at, is_object

SAMPLER = Sampler("gpt-4o", accepts_any_file_id=True)
FACTORY = payload_factory("create_run", "2026-08-14", SAMPLER)


def invalid_values(constraint: str, factory: PayloadFactory = FACTORY) -> list[Any]:
    return [negative.mutation.mutated for negative in factory.negatives() if negative.constraint == constraint]


def valid_values(constraint: str, factory: PayloadFactory = FACTORY) -> list[Any]:
    return [payload.values[0][1] for payload in factory.single_value_payloads() if payload.constraint == constraint]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("create_run.max_prompt_tokens.minimum", [255, 0, -1]),
        ("create_run.max_prompt_tokens.type", ["257", 257.5, True]),
        ("create_run.temperature.maximum", [2.01]),
        ("create_run.temperature.type", ["1", True, {}]),
        ("create_run.stream.type", ["true", 1, {}]),
        ("create_run.parallel_tool_calls.type", ["true", 1, {}]),
        ("create_run.assistant_id.required", [ABSENT]),
        ("create_run.tools[].type.enum", ["retrieval"]),
        ("create_run.tools[].type.required", [ABSENT, ABSENT]),
        ("create_run.tools[].function.name.minLength", [""]),
        ("create_run.tools[].function.name.maxLength", ["x" * 65]),
        ("create_run.metadata.propertyNames.maxLength", ["sample"]),
        ("create_run.truncation_strategy.type", ["auto", [], 5]),
        ("create_run.truncation_strategy.last_messages.minimum", [0]),
        ("create_run.tool_choice.enum", ["any", "unexpected", "NONE", ""]),
    ],
)
def test_nearest_invalid_values(constraint: str, expected: list[Any]) -> None:
    assert invalid_values(constraint) == expected


@pytest.mark.parametrize(
    ("operation", "place"),
    [
        ("create_message", "content"),
        ("create_thread", "messages[].content"),
        ("create_run", "additional_messages[].content"),
        ("create_thread_and_run", "thread.messages[].content"),
    ],
)
def test_value_instead_of_a_text_or_list_is_a_part_without_its_list(operation: str, place: str) -> None:
    factory = payload_factory(operation, "2026-08-14", SAMPLER)
    nearest, *_ = invalid_values(f"{operation}.{place}.type", factory)
    assert nearest == {"type": "text", "text": "sample"}


def test_lists_and_maps_exceed_their_limit_by_one() -> None:
    (tools,) = invalid_values("create_run.tools.maxItems")
    (metadata,) = invalid_values("create_run.metadata.maxProperties")
    names = {tool["function"]["name"] for tool in tools}
    assert (len(tools), len(names), len(metadata)) == (21, 21, 17)


def test_number_of_keys_is_tested_apart_from_their_length() -> None:
    (valid,) = valid_values("create_run.metadata.maxProperties")
    (invalid,) = invalid_values("create_run.metadata.maxProperties")
    assert (len(valid), len(invalid)) == (16, 17)
    assert all(len(key) < 64 for key in (*valid, *invalid))


def test_an_object_of_each_branch_lacks_its_discriminator() -> None:
    constraint = "create_run.additional_messages[].content[].type.required"
    bodies = [negative.body for negative in FACTORY.negatives() if negative.constraint == constraint]
    parts = [at(body, "/additional_messages/0/content/0") for body in bodies]
    assert [[*part] for part in parts if is_object(part)] == [["image_file"], ["image_url"], ["text"]]


def test_each_discriminated_union_branch_is_an_enum_value() -> None:
    kinds = [value["type"] for value in valid_values("create_run.tools[].type.enum")]
    assert kinds == ["code_interpreter", "file_search", "function"]
    assert [value["type"] for value in valid_values("create_run.response_format.type.enum")] == [
        "text",
        "json_object",
        "json_schema",
    ]
    assert valid_values("create_run.response_format.type") == ["auto", None]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("create_run.max_prompt_tokens.minimum", [256]),
        ("create_run.max_prompt_tokens.type", [None]),
        ("create_run.temperature.type", [None, 0.5]),
        ("create_run.temperature.minimum", [0]),
        ("create_run.temperature.maximum", [2]),
        ("create_run.tools[].function.name.pattern", ["Az_09-"]),
        ("create_run.metadata{}.maxLength", ["é" + "x" * 511]),
        ("create_run.tool_choice.enum", ["none", "auto", "required"]),
        ("create_run.stream.type", [None, True, False]),
    ],
)
def test_boundary_values(constraint: str, expected: list[Any]) -> None:
    assert valid_values(constraint) == expected


def test_discriminator_values_come_with_their_objects() -> None:
    choices = valid_values("create_run.tool_choice.type.enum")
    assert choices == [
        {"type": "function", "function": {"name": "sample"}},
        {"type": "code_interpreter"},
        {"type": "file_search"},
    ]
    assert {"type": "last_messages", "last_messages": 2} in valid_values("create_run.truncation_strategy.type.enum")


def test_a_tool_choice_comes_with_the_only_tool_that_it_needs() -> None:
    payloads = [
        each for each in FACTORY.single_value_payloads() if each.constraint.startswith("create_run.tool_choice")
    ]
    bodies = [each.body for each in payloads if each.body["tool_choice"] is not None]
    needed = [str(at(body, "/tool_choice/type") or "function") for body in bodies]
    assert {*needed} == {"function", "code_interpreter", "file_search"}
    assert [at(body, "/tools/0/type") for body in bodies] == needed
    assert all(at(body, "/tools/1") is ABSENT for body in bodies)


@pytest.mark.parametrize("allowed", [["string"], ["integer", "null"], ["array"], ["object"], ["boolean"], ["number"]])
def test_wrong_types_are_not_allowed_types(allowed: list[str]) -> None:
    from runs_conformance.contract.json_type import json_type_of

    kinds = [json_type_of(value) for value in wrong_type_values(allowed, 1)]
    assert len(set(kinds)) == len(kinds)
    assert not set(kinds) & set(allowed)
    assert ("null" in kinds) is ("null" not in allowed)


def test_without_file_ids_no_value_needs_one() -> None:
    without_files = payload_factory("create_thread", "2026-08-14", Sampler("gpt-4o"))
    assert not invalid_values("create_thread.tool_resources.code_interpreter.file_ids.maxItems", without_files)
    assert invalid_values("create_thread.tool_resources.code_interpreter.file_ids.type", without_files)
    certain = [payload for payload in without_files.single_value_payloads() if not payload.implementation_defined]
    assert not any(depends_on_files(payload.body) for payload in certain)


def test_payloads_with_a_file_id_in_use_are_implementation_defined() -> None:
    configured = payload_factory("create_thread", "2026-08-14", Sampler("gpt-4o", use={"file": "file-real"}))
    payloads_with_file = [payload for payload in configured.single_value_payloads() if "file-real" in str(payload.body)]
    assert payloads_with_file
    assert all(payload.implementation_defined for payload in payloads_with_file)


def test_missing_resource_names_its_kind() -> None:
    schema = FACTORY.schema["properties"]["additional_messages"]["items"]["properties"]["attachments"]["items"]
    with pytest.raises(MissingResource) as error:
        Sampler("gpt-4o").value(schema["properties"]["file_id"])
    assert error.value.kind == "file"


def test_choice_of_a_function_that_the_tools_list_must_be_accepted() -> None:
    for operation in ("create_run", "create_thread_and_run"):
        factory = payload_factory(operation, "2026-08-14", Sampler("gpt-4o"))
        bodies = [each.body for each in factory.single_value_payloads() if not each.implementation_defined]
        assert [at(body, "/tools/0/function/name") for body in bodies if at(body, "/tool_choice/function")]


def test_temperature_is_implementation_defined_on_a_reasoning_model() -> None:
    factory = payload_factory("create_run", "2026-08-14", Sampler("o3-mini", accepts_any_file_id=True))
    reasons = {payload.constraint: payload.implementation_defined for payload in factory.single_value_payloads()}
    assert reasons["create_run.temperature.maximum"]
    assert not reasons["create_run.max_prompt_tokens.minimum"]


def test_an_unknown_kind_is_complete_as_another_place_allows_it() -> None:
    factory = payload_factory("create_message", "2026-08-14", SAMPLER)
    constraint = "create_message.attachments[].tools[].type.enum"
    (body,) = [negative.body for negative in factory.negatives() if negative.constraint == constraint]
    unknown_kind = {"type": "function", "function": {"name": "sample"}}
    assert at(body, "/attachments/0/tools") == [{"type": "code_interpreter"}, unknown_kind]


def test_an_unknown_kind_stands_behind_a_valid_item() -> None:
    factory = payload_factory("create_run", "2026-08-14", SAMPLER)
    (negative,) = [each for each in factory.negatives() if each.constraint == "create_run.tools[].type.enum"]
    assert negative.mutation.pointer == "/tools/1/type"
    assert at(negative.body, "/tools/0/type") == negative.mutation.original
