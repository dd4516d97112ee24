"""The exported document is valid OpenAPI, agrees with the schemas, and is reproducible."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from runs_conformance.contract.constraint import body_documents, object_documents, query_documents
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.event import event_types
from runs_conformance.contract.operation import OPERATIONS, query_name
from runs_conformance.contract.schema import compile_schema
from runs_conformance.generation.openapi import openapi_document

LATEST = openapi_document()
by_edition = pytest.mark.parametrize("edition", EDITIONS)


@by_edition
def test_the_document_is_valid_openapi(edition: str) -> None:
    validate(openapi_document(edition))
    assert openapi_document(edition)["info"]["version"] == edition


def test_the_document_has_every_operation_under_its_published_id() -> None:
    ids = {item["operationId"] for path in LATEST["paths"].values() for item in path.values()}
    assert ids == {operation.operation_id for operation in OPERATIONS.values()}
    assert len(ids) == 23


@by_edition
@pytest.mark.parametrize("operation", body_documents())
def test_a_request_body_is_the_schema_of_the_edition(operation: str, edition: str) -> None:
    whole = openapi_document(edition)
    schema = _item(whole, operation)["requestBody"]["content"]["application/json"]["schema"]
    expected = compile_schema(body_documents()[operation], operation, edition)
    assert _resolve(whole, schema) == _without_annotations(expected)


@by_edition
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_response_is_the_schema_of_the_edition(operation: str, edition: str) -> None:
    whole = openapi_document(edition)
    kind = OPERATIONS[operation].response_kind
    schema = _item(whole, operation)["responses"]["200"]["content"]["application/json"]["schema"]
    assert _resolve(whole, schema) == _without_annotations(compile_schema(object_documents()[kind], kind, edition))


@pytest.mark.parametrize("operation", query_documents())
def test_query_parameters_have_their_wire_names(operation: str) -> None:
    parameters = {p["name"] for p in _item(LATEST, operation)["parameters"] if p.get("in") == "query"}
    assert parameters == {query_name(name) for name in compile_schema(query_documents()[operation], "x")["properties"]}


def test_streaming_operations_offer_a_stream_of_every_event() -> None:
    for name, operation in OPERATIONS.items():
        content = _item(LATEST, name)["responses"]["200"]["content"]
        assert ("text/event-stream" in content) == operation.streams
    events = LATEST["components"]["schemas"]["StreamEvent"]["oneOf"]
    assert [event["properties"]["event"]["const"] for event in events] == list(event_types())


def test_every_operation_has_its_error_responses() -> None:
    for name in OPERATIONS:
        assert set(_item(LATEST, name)["responses"]) == {"200", "400", "401", "404", "429"}
    assert "Retry-After" in LATEST["components"]["responses"]["TooManyRequests"]["headers"]


def test_shared_schemas_are_components() -> None:
    schemas = LATEST["components"]["schemas"]
    members = schemas["CreateRunRequest"]["properties"]
    assert members["metadata"] == {"$ref": "#/components/schemas/Metadata"}
    assert members["tool_choice"]["anyOf"] == [{"$ref": "#/components/schemas/ToolChoice"}, {"type": "null"}]
    assert schemas["RunList"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Run"}


def test_a_component_of_a_later_edition_is_absent() -> None:
    assert "ReasoningEffort" in LATEST["components"]["schemas"]
    assert "ReasoningEffort" not in openapi_document(EDITIONS[0])["components"]["schemas"]


def test_a_validator_can_use_the_document() -> None:
    validator = Draft202012Validator({"$ref": "#/components/schemas/CreateRunRequest", **LATEST})
    assert validator.is_valid({"assistant_id": "asst_1", "max_prompt_tokens": 256, "tool_choice": None})
    assert not validator.is_valid({"assistant_id": "asst_1", "max_prompt_tokens": 255})
    assert not validator.is_valid({"assistant_id": "asst_1", "tool_choice": "any"})


def test_the_document_is_reproducible() -> None:
    code = "import json; from runs_conformance.generation.openapi import openapi_document as d; print(json.dumps(d()))"
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert again.strip() == json.dumps(LATEST)


def _item(whole: Mapping[str, Any], operation: str) -> Any:
    path, method = OPERATIONS[operation].path, OPERATIONS[operation].method
    return whole["paths"][path][method.lower()]


def _without_annotations(schema: Any, names: bool = False) -> Any:
    """A schema without annotations, in a canonical notation of null."""
    if isinstance(schema, Mapping):
        out = {
            key: _without_annotations(member, key == "properties" and not names)
            for key, member in schema.items()
            if names or (key not in ("title", "description") and (not key.startswith("x-") or key == "x-atMostHalfOf"))
        }
        return out if names else _sort_alternatives(out)
    return [_without_annotations(item) for item in schema] if isinstance(schema, list) else schema


def _sort_alternatives(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), list):
        schema["type"] = sorted(schema["type"])
    if isinstance(schema.get("enum"), list):
        schema["enum"] = sorted(schema["enum"], key=str)
    return schema


def _resolve(whole: Mapping[str, Any], schema: Any) -> Any:
    """A schema with its references replaced by their components, without annotations."""

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

    return _without_annotations(inline(schema))


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "oneOf" in schema:
        return {**schema, "oneOf": [*schema["oneOf"], {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    out = {**schema, "type": [*types, "null"]}
    return {**out, "enum": [*out["enum"], None]} if "enum" in out else out
