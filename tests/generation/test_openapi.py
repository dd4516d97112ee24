"""The exported document is valid OpenAPI, says what the schemas say, and is the same every time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from runs_conformance.contract.constraint import objects, request_bodies, request_queries
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.event import event_kinds
from runs_conformance.contract.operation import OPERATIONS, query_name
from runs_conformance.contract.schema import compiled
from runs_conformance.generation.openapi import document

LATEST = document()
by_edition = pytest.mark.parametrize("edition", EDITIONS)


@by_edition
def test_it_is_valid_openapi(edition: str) -> None:
    validate(document(edition))
    assert document(edition)["info"]["version"] == edition


def test_it_has_every_operation_under_the_published_name() -> None:
    found = {item["operationId"] for path in LATEST["paths"].values() for item in path.values()}
    assert found == {operation.operation_id for operation in OPERATIONS.values()}
    assert len(found) == 23


@by_edition
@pytest.mark.parametrize("operation", request_bodies())
def test_a_request_body_is_the_schema_of_the_edition(operation: str, edition: str) -> None:
    whole = document(edition)
    schema = _item(whole, operation)["requestBody"]["content"]["application/json"]["schema"]
    expected = compiled(request_bodies()[operation], operation, edition)
    assert _expanded(whole, schema) == _bare(expected)


@by_edition
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_is_the_schema_of_the_edition(operation: str, edition: str) -> None:
    whole = document(edition)
    kind = OPERATIONS[operation].answer
    schema = _item(whole, operation)["responses"]["200"]["content"]["application/json"]["schema"]
    assert _expanded(whole, schema) == _bare(compiled(objects()[kind], kind, edition))


@pytest.mark.parametrize("operation", request_queries())
def test_the_query_is_spelled_as_on_the_wire(operation: str) -> None:
    parameters = {p["name"] for p in _item(LATEST, operation)["parameters"] if p.get("in") == "query"}
    assert parameters == {query_name(name) for name in compiled(request_queries()[operation], "x")["properties"]}


def test_streaming_operations_say_so_and_name_every_event() -> None:
    for name, operation in OPERATIONS.items():
        content = _item(LATEST, name)["responses"]["200"]["content"]
        assert ("text/event-stream" in content) == operation.streams
    events = LATEST["components"]["schemas"]["StreamEvent"]["oneOf"]
    assert [event["properties"]["event"]["const"] for event in events] == list(event_kinds())


def test_every_operation_says_how_it_refuses() -> None:
    for name in OPERATIONS:
        assert set(_item(LATEST, name)["responses"]) == {"200", "400", "401", "404", "429"}
    assert "Retry-After" in LATEST["components"]["responses"]["TooManyRequests"]["headers"]


def test_what_is_shared_has_a_name_and_is_written_once() -> None:
    schemas = LATEST["components"]["schemas"]
    members = schemas["CreateRunRequest"]["properties"]
    assert members["metadata"] == {"$ref": "#/components/schemas/Metadata"}
    assert members["tool_choice"]["anyOf"] == [{"$ref": "#/components/schemas/ToolChoice"}, {"type": "null"}]
    assert schemas["RunList"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Run"}


def test_a_name_of_another_edition_is_not_there() -> None:
    assert "ReasoningEffort" in LATEST["components"]["schemas"]
    assert "ReasoningEffort" not in document(EDITIONS[0])["components"]["schemas"]


def test_a_validator_can_use_it() -> None:
    validator = Draft202012Validator({"$ref": "#/components/schemas/CreateRunRequest", **LATEST})
    assert validator.is_valid({"assistant_id": "asst_1", "max_prompt_tokens": 256, "tool_choice": None})
    assert not validator.is_valid({"assistant_id": "asst_1", "max_prompt_tokens": 255})
    assert not validator.is_valid({"assistant_id": "asst_1", "tool_choice": "any"})


def test_it_is_the_same_every_time() -> None:
    code = "import json; from runs_conformance.generation.openapi import document; print(json.dumps(document()))"
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert again.strip() == json.dumps(LATEST)


def _item(whole: Mapping[str, Any], operation: str) -> Any:
    what = OPERATIONS[operation]
    return whole["paths"][what.path][what.method.lower()]


def _bare(schema: Any, names: bool = False) -> Any:
    """A schema without annotations, null written in one way."""
    if isinstance(schema, Mapping):
        kept = {
            key: _bare(member, key == "properties" and not names)
            for key, member in schema.items()
            if names or (key not in ("title", "description") and (not key.startswith("x-") or key == "x-atMostHalfOf"))
        }
        return kept if names else _null_first(kept)
    return [_bare(item) for item in schema] if isinstance(schema, list) else schema


def _null_first(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), list):
        schema["type"] = sorted(schema["type"])
    if isinstance(schema.get("enum"), list):
        schema["enum"] = sorted(schema["enum"], key=str)
    return schema


def _expanded(whole: Mapping[str, Any], schema: Any) -> Any:
    """A schema with its references replaced by what they refer to, compared as the compiled one is."""

    def inline(value: Any) -> Any:
        if isinstance(value, list):
            return [inline(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if "$ref" in value:
            return inline(whole["components"]["schemas"][value["$ref"].rpartition("/")[2]])
        if "anyOf" in value and {"type": "null"} in value["anyOf"]:
            return _nullable(inline(value["anyOf"][0]))
        return {key: inline(member) for key, member in value.items()}

    return _bare(inline(schema))


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "oneOf" in schema:
        return {**schema, "oneOf": [*schema["oneOf"], {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    out = {**schema, "type": [*kinds, "null"]}
    return {**out, "enum": [*out["enum"], None]} if "enum" in out else out
