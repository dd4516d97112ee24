"""The legal and illegal values of single places."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.invalid_values import wrong_types
from runs_conformance.generation.boundary.payload_factory import Bench
from runs_conformance.generation.boundary.sample import Lacking, Sampler, depends_on_files
from runs_conformance.model.json import ABSENT

SAMPLER = Sampler("gpt-4o", any_file=True)
BENCH = bench("create_run", "2026-08-14", SAMPLER)


def bad(constraint: str, made: Bench = BENCH) -> list[Any]:
    return [negative.mutation.became for negative in made.negatives() if negative.constraint == constraint]


def good(constraint: str, made: Bench = BENCH) -> list[Any]:
    return [payload.values[0][1] for payload in made.singles() if payload.constraint == constraint]


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
        ("create_run.tools[].type.required", [ABSENT]),
        ("create_run.tools[].function.name.minLength", [""]),
        ("create_run.tools[].function.name.maxLength", ["x" * 65]),
        ("create_run.metadata.propertyNames.maxLength", ["sample"]),
        ("create_run.truncation_strategy.type", ["auto", [], 5]),
        ("create_run.truncation_strategy.last_messages.minimum", [0]),
        ("create_run.tool_choice.enum", ["any", "unexpected", "NONE", ""]),
    ],
)
def test_the_nearest_illegal_values(constraint: str, expected: list[Any]) -> None:
    assert bad(constraint) == expected


def test_lists_and_maps_are_one_too_long() -> None:
    (tools,) = bad("create_run.tools.maxItems")
    (metadata,) = bad("create_run.metadata.maxProperties")
    names = {tool["function"]["name"] for tool in tools}
    assert (len(tools), len(names), len(metadata)) == (21, 21, 17)


def test_each_named_branch_of_a_union_is_a_choice() -> None:
    kinds = [value["type"] for value in good("create_run.tools[].type.enum")]
    assert kinds == ["code_interpreter", "file_search", "function"]
    assert [value["type"] for value in good("create_run.response_format.type.enum")] == [
        "text",
        "json_object",
        "json_schema",
    ]
    assert good("create_run.response_format.type") == ["auto", None]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("create_run.max_prompt_tokens.minimum", [256]),
        ("create_run.max_prompt_tokens.type", [None]),
        ("create_run.temperature.type", [None, 0.5]),
        ("create_run.temperature.minimum", [0]),
        ("create_run.temperature.maximum", [2]),
        ("create_run.tools[].function.name.pattern", ["Az_09-"]),
        ("create_run.metadata{}.maxLength", ["x" * 512, "é" * 512]),
        ("create_run.tool_choice.enum", ["none", "auto", "required"]),
        ("create_run.stream.type", [None, True, False]),
    ],
)
def test_the_legal_edges(constraint: str, expected: list[Any]) -> None:
    assert good(constraint) == expected


def test_what_says_what_else_belongs_into_its_object_comes_with_it() -> None:
    choices = good("create_run.tool_choice.type.enum")
    assert choices == [
        {"type": "function", "function": {"name": "sample"}},
        {"type": "code_interpreter"},
        {"type": "file_search"},
    ]
    assert {"type": "last_messages", "last_messages": 2} in good("create_run.truncation_strategy.type.enum")


def test_a_forced_tool_comes_with_the_tools_to_choose_from() -> None:
    bodies = [payload.body for payload in BENCH.singles() if payload.body.get("tool_choice")]
    assert bodies
    assert all(body.get("tools") for body in bodies)


@pytest.mark.parametrize("allowed", [["string"], ["integer", "null"], ["array"], ["object"], ["boolean"], ["number"]])
def test_wrong_types_are_wrong(allowed: list[str]) -> None:
    from runs_conformance.contract.schema_violation import kind_of

    kinds = [kind_of(value) for value in wrong_types(allowed, 1)]
    assert len(set(kinds)) == len(kinds)
    assert not set(kinds) & set(allowed)
    assert ("null" in kinds) is ("null" not in allowed)


def test_without_file_ids_nothing_that_needs_one_is_made() -> None:
    bare = bench("create_thread", "2026-08-14", Sampler("gpt-4o"))
    assert not bad("create_thread.tool_resources.code_interpreter.file_ids.maxItems", bare)
    assert bad("create_thread.tool_resources.code_interpreter.file_ids.type", bare)
    certain = [payload for payload in bare.singles() if not payload.doubt]
    assert not any(depends_on_files(payload.body) for payload in certain)


def test_a_file_id_that_is_given_is_used_but_not_relied_upon() -> None:
    given = bench("create_thread", "2026-08-14", Sampler("gpt-4o", given={"file": "file-real"}))
    using = [payload for payload in given.singles() if "file-real" in str(payload.body)]
    assert using
    assert all(payload.doubt for payload in using)


def test_a_sample_that_cannot_be_made_says_what_it_lacks() -> None:
    schema = BENCH.schema["properties"]["additional_messages"]["items"]["properties"]["attachments"]["items"]
    with pytest.raises(Lacking) as lacking:
        Sampler("gpt-4o").value(schema["properties"]["file_id"])
    assert lacking.value.kind == "file"


def test_on_a_reasoning_model_a_temperature_is_doubtful() -> None:
    made = bench("create_run", "2026-08-14", Sampler("o3-mini", any_file=True))
    doubt = {payload.constraint: payload.doubt for payload in made.singles()}
    assert doubt["create_run.temperature.maximum"]
    assert not doubt["create_run.max_prompt_tokens.minimum"]
