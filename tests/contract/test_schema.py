"""Compilation of schema documents: inlined references, editions, and the path of every place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.schema import Schema, compile_schema, document_names, load_document, schemas_digest
from runs_conformance.contract.validation import validate_document
from runs_conformance.errors import InternalError

DOCUMENTS = [
    f"{group}/{name}"
    for group in ("objects", "requests", "queries", "paths", "stream")
    for name in document_names(group)
    if name != "events"
]


def places(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, dict):
        if "x-at" in schema:
            yield schema
        for key, inner in schema.items():
            if not key.startswith("x-"):
                yield from places(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from places(inner)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_compiles_in_every_edition(name: str) -> None:
    for edition in EDITIONS:
        compiled = list(places(compile_schema(name, "it", edition)))
        assert compiled
        for place in compiled:
            assert not {"$ref", "anyOf", "x-since", "x-until", "x-editions"} & place.keys()
            assert place["x-source"]["basis"] in ("schema", "prose", "sdk", "observed")


@pytest.mark.parametrize(
    ("edition", "accepted"), [("2024-04-17", ["none", "auto", None]), ("2024-08-06", ["auto", None])]
)
def test_a_nullable_reference_that_an_edition_replaces_stays_nullable(edition: str, accepted: list[Any]) -> None:
    values = ["none", "auto", "bogus", None]
    valid = [
        value
        for value in values
        if validate_document(
            "requests/create_run", "create_run", {"assistant_id": "a", "response_format": value}, edition
        ).valid
    ]
    assert valid == accepted


def test_a_property_enters_with_its_edition() -> None:
    assert "reasoning_effort" not in compile_schema("requests/create_run", "create_run", "2024-08-28")["properties"]
    assert "reasoning_effort" in compile_schema("requests/create_run", "create_run", "2025-02-10")["properties"]


def test_an_enum_value_enters_with_its_edition() -> None:
    def efforts(edition: str) -> list[Any]:
        values: list[Any] = compile_schema("requests/create_run", "create_run", edition)["properties"][
            "reasoning_effort"
        ]["enum"]
        return values

    assert "xhigh" not in efforts("2025-08-07")
    assert "xhigh" in efforts("2025-12-04")


def test_a_required_member_enters_with_its_edition() -> None:
    assert "parallel_tool_calls" not in compile_schema("objects/run", "run", "2024-04-17")["required"]
    assert "parallel_tool_calls" in compile_schema("objects/run", "run", "2024-06-06")["required"]


def test_paths_are_written_as_in_constraint_ids() -> None:
    at = {place["x-at"] for place in places(compile_schema("requests/create_run", "create_run"))}
    assert {
        "create_run",
        "create_run.tools[].function.name",
        "create_run.metadata{}",
        "create_run.metadata.propertyNames",
        "create_run.additional_messages[].content[].image_url.url",
    } <= at


def test_an_object_in_a_list_keeps_its_own_path() -> None:
    page = compile_schema("objects/run_list", "run_list")
    assert page["properties"]["data"]["items"]["x-at"] == "run"


def test_sources_are_inherited_member_by_member() -> None:
    limit = compile_schema("queries/list_runs", "list_runs")["properties"]["limit"]
    assert limit["x-source"]["basis"] == "schema"
    assert limit["x-sources"]["maximum"]["level"] == "should"


def test_a_missing_document_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match="bogus"):
        load_document("requests/bogus")


def test_the_digest_is_short_and_stable() -> None:
    assert len(schemas_digest()) == 16
    assert schemas_digest() == schemas_digest()
