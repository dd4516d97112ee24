"""The OpenAPI document of the control routes, made from the words of a scenario."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.emulator.app import MAX_ADVANCE_S
from runs_conformance.testing.control_words import ACTS, FAULTS, Document

_KEY_PARAMETER: Document = {
    "name": "key",
    "in": "query",
    "description": "Limit the call to requests with this API key, so that parallel tests do not interfere.",
    "schema": {"type": "string"},
}


def openapi_document(prefix: str) -> Document:
    """The OpenAPI document of the control routes below a path."""
    scenario = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "script": {"type": "array", "items": {"$ref": "#/components/schemas/Turn"}},
            "faults": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
            "advance": {"type": "number", "minimum": 0, "maximum": MAX_ADVANCE_S},
        },
    }
    act = {"$ref": "#/components/schemas/Act"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Control of the runs-conformance emulator", "version": "1"},
        "paths": {
            f"{prefix}/scenario": {"post": _call("applyScenario", "Queue script and faults.", "Scenario")},
            f"{prefix}/script": {"post": _call("addTurns", "Queue turns for the next runs.", "Turns")},
            f"{prefix}/faults": {"post": _call("addFaults", "Inject faults into the next requests.", "Faults")},
            f"{prefix}/clock": {"post": _call("advanceClock", "Move the clock ahead.", "Advance")},
            f"{prefix}/reset": {"post": _call("reset", "Discard script, faults and received requests.", None)},
            f"{prefix}/requests": {"get": _call("listRequests", "The received requests, oldest first.", None)},
            f"{prefix}/state": {"get": _call("getState", "Time, pending script and faults, stored objects.", None)},
            f"{prefix}/unused": {"get": _call("listUnused", "Turns and faults that were never used.", None)},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Act": {"oneOf": _words(ACTS)},
                "Turn": {"oneOf": [act, {"type": "array", "minItems": 1, "items": act}]},
                "Turns": {"oneOf": [act, {"type": "array", "items": {"$ref": "#/components/schemas/Turn"}}]},
                "Fault": {"oneOf": _words(FAULTS)},
                "Faults": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Fault"},
                        {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
                    ]
                },
                "Advance": {
                    "type": "object",
                    "required": ["advance"],
                    "properties": {"advance": scenario["properties"]["advance"]},  # type: ignore[index]
                },
                "Scenario": scenario,
                "State": {"type": "object"},
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
            },
        },
    }


def _words(words: Mapping[str, Document]) -> list[Document]:
    documents: list[Document] = []
    for word, schema in words.items():
        arguments = {**schema, "additionalProperties": False}
        first = next(iter(schema["properties"].values()), None)
        given = arguments if first is None else {"anyOf": [arguments, first]}
        documents.append(
            {"type": "object", "properties": {word: given}, "required": [word], "additionalProperties": False}
        )
    return documents


def _call(name: str, summary: str, body: str | None) -> Document:
    answers = {
        "200": {"description": "Done", "content": {"application/json": {"schema": {}}}},
        "400": {
            "description": "The document is invalid; nothing was changed",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        },
    }
    call: Document = {"operationId": name, "summary": summary, "parameters": [_KEY_PARAMETER], "responses": answers}
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return call
