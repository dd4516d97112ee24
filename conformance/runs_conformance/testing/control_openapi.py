"""The OpenAPI document of the control routes, made from the words of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.emulator.app import MAX_ADVANCE_S
from runs_conformance.testing.control_words import ACTS, FAULTS, Document

_TEXT: Document = {"type": "string"}
_COUNT: Document = {"type": "integer", "minimum": 0}
_SECONDS: Document = {"type": "number", "minimum": 0, "maximum": MAX_ADVANCE_S}
_ANY_OBJECT: Document = {"type": "object"}
_KEY_PARAMETER: Document = {
    "name": "key",
    "in": "query",
    "description": "Limit the call to requests with this API key, so that parallel tests do not interfere.",
    "schema": {"type": "string", "minLength": 1},
}
_ERRORS = {
    "400": "The call or its document is invalid; nothing was changed",
    "403": "The client is not a loopback client, or lacks the token",
}


def openapi_document(prefix: str) -> Document:
    """The OpenAPI document of the control routes below a path."""
    state = _reference("State")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Control of the runs-conformance emulator",
            "version": "1",
            "description": "Scripts the runs of an emulator, injects faults and moves its clock, to test clients.",
        },
        "security": [{}, {"token": []}],
        "paths": {
            f"{prefix}/scenario": _post("applyScenario", "Queue script and faults, advance the clock.", "Scenario"),
            f"{prefix}/script": _post("addTurns", "Queue turns for the next runs.", "Turns"),
            f"{prefix}/faults": _post("addFaults", "Inject faults into the next requests.", "Faults"),
            f"{prefix}/clock": _post("advanceClock", "Move the clock ahead.", "Advance"),
            f"{prefix}/reset": _post("reset", "Discard script, faults and received requests; keep all objects.", None),
            f"{prefix}/requests": _get("listRequests", "The received requests, oldest first.", _list_of("Request")),
            f"{prefix}/state": _get("getState", "Time, pending script and faults, stored objects.", state),
            f"{prefix}/unused": _get("listUnused", "Turns and faults that were never used.", _list_of("Unused")),
            f"{prefix}/openapi.json": _get("getDocument", "This document.", _ANY_OBJECT),
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _schemas() -> Document:
    act, turn, fault = _reference("Act"), _reference("Turn"), _reference("Fault")
    text_or_null = {"type": ["string", "null"], "enum": [*OPERATIONS, None]}
    objects = ("assistants", "threads", "messages", "runs", "files", "vector_stores")
    return {
        "Act": {"oneOf": _words(ACTS)},
        "Turn": {"oneOf": [act, {"type": "array", "minItems": 1, "items": act}]},
        "Turns": {"oneOf": [act, _list_of("Turn")]},
        "Fault": {"oneOf": _words(FAULTS)},
        "Faults": {"oneOf": [fault, _list_of("Fault")]},
        "Advance": _object(advance=_SECONDS),
        "Scenario": {
            **_object(script=_reference("Turns"), faults=_reference("Faults"), advance=_SECONDS),
            "required": [],
        },
        "Request": _object(
            method=_TEXT,
            path=_TEXT,
            query=_TEXT,
            operation=text_or_null,
            headers={"type": "object", "additionalProperties": _TEXT},
            body={},
        ),
        "State": _object(
            now={"type": "number"},
            script=_list_of("Turn"),
            faults={
                "type": "array",
                "items": {
                    "description": "A fault; `used` counts the requests that it met.",
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": "object", "required": ["used"], "properties": {"used": _COUNT}},
                },
            },
            objects=_object(**dict.fromkeys(objects, _COUNT)),
        ),
        "Unused": {"anyOf": [turn, fault]},
        "Error": _object(error=_TEXT),
    }


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str) -> Document:
    return {"type": "array", "items": _reference(name)}


def _object(**properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _words(words: Mapping[str, Document]) -> list[Document]:
    """An object for each word, and those that may stand alone."""
    alone = [word for word, schema in words.items() if not schema["required"]]
    documents: list[Document] = [{"type": "string", "enum": alone}]
    for word, schema in words.items():
        first = next(iter(schema["properties"].values()), None)
        given: list[Any] = [_forbid_other_members(schema)]
        if first is not None and first != schema:
            given.append(_forbid_other_members(first))
        if word in alone and not any("null" in one["type"] for one in given):
            given.append({"type": "null"})
        documents.append(
            {
                "type": "object",
                "description": schema["description"],
                "properties": {word: given[0] if len(given) == 1 else {"anyOf": given}},
                "required": [word],
                "additionalProperties": False,
            }
        )
    return documents


def _forbid_other_members(schema: Mapping[str, Any]) -> Document:
    """The schema without other members than its own, at every depth."""
    closed: Document = {name: value for name, value in schema.items() if name != "description"}
    if "properties" in schema:
        closed["properties"] = {name: _forbid_other_members(one) for name, one in schema["properties"].items()}
        closed["additionalProperties"] = False
    if "items" in schema:
        closed["items"] = _forbid_other_members(schema["items"])
    return closed


def _post(name: str, summary: str, body: str | None) -> Document:
    call = _call(name, summary, _reference("State"))
    if body is not None:
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": _reference(body)}}}
    return {"post": call}


def _get(name: str, summary: str, schema: Document) -> Document:
    return {"get": _call(name, summary, schema)}


def _call(name: str, summary: str, schema: Document) -> Document:
    responses = {"200": {"description": "Done", "content": {"application/json": {"schema": schema}}}}
    for status, text in _ERRORS.items():
        responses[status] = {"description": text, "content": {"application/json": {"schema": _reference("Error")}}}
    return {"operationId": name, "summary": summary, "parameters": [_KEY_PARAMETER], "responses": responses}
