"""The contract of an edition as an OpenAPI 3.1 document, made from the operations and the schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from runs_conformance import __version__
from runs_conformance.contract.constraint import objects, request_bodies, request_queries
from runs_conformance.contract.edition import DEFAULT_EDITION, in_force
from runs_conformance.contract.event import DONE, DONE_DATA, event_kinds
from runs_conformance.contract.operation import BETA_HEADER, OPERATIONS, Operation, query_name
from runs_conformance.contract.schema import Schema, compiled, names

_SUMMARIES = {
    "list_assistants": "List assistants",
    "create_assistant": "Create an assistant",
    "get_assistant": "Get an assistant",
    "modify_assistant": "Modify an assistant",
    "delete_assistant": "Delete an assistant",
    "create_thread": "Create a thread",
    "create_thread_and_run": "Create a thread and a run on it",
    "get_thread": "Get a thread",
    "modify_thread": "Modify a thread",
    "delete_thread": "Delete a thread",
    "list_messages": "List the messages of a thread",
    "create_message": "Add a message to a thread",
    "get_message": "Get a message",
    "modify_message": "Modify a message",
    "delete_message": "Delete a message",
    "list_runs": "List the runs of a thread",
    "create_run": "Create a run",
    "get_run": "Get a run",
    "modify_run": "Modify a run",
    "cancel_run": "Cancel a run",
    "submit_tool_outputs": "Submit the outputs of all pending tool calls",
    "list_run_steps": "List the steps of a run",
    "get_run_step": "Get a run step",
}
_REFUSALS = {
    "400": ("Refused", "The request breaks the contract, or the state of what it names does not allow it."),
    "401": ("Unauthorised", "The key is missing or not known."),
    "404": ("NotFound", "Something that the request names does not exist."),
    "429": ("TooManyRequests", "Too many requests; Retry-After says when to come again."),
}


@cache
def document(edition: str = DEFAULT_EDITION) -> dict[str, Any]:
    """The OpenAPI document of an edition, its keys always in the same order. Do not change what is returned."""
    schemas = _Components(edition)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Assistants API: the Runs surface",
            "version": edition,
            "summary": f"The contract in its edition of {edition}",
            "description": f"Made by runs-conformance {__version__} from its schemas. The beta header is part of it.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/v1", "description": "The base path of the published service"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(operation) for operation in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "schemas": _referred_to(schemas.all(), paths),
            "parameters": _parameters(),
            "responses": dict(_refusals()),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, schemas: _Components) -> dict[str, Any]:
    out: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": _SUMMARIES[operation.name],
        "tags": [_tag(operation)],
        "parameters": [
            {"$ref": "#/components/parameters/Beta"},
            *({"$ref": f"#/components/parameters/{_pascal(name)}"} for name in operation.parameters),
            *schemas.query(operation),
        ],
    }
    if operation.name in request_bodies():
        schema = schemas.reference(request_bodies()[operation.name])
        out["requestBody"] = {"required": operation.body_required, "content": {"application/json": {"schema": schema}}}
    content: dict[str, Any] = {"application/json": {"schema": schemas.reference(objects()[operation.answer])}}
    if operation.streams:
        content["text/event-stream"] = {
            "schema": {"type": "string", "description": "Server-sent events, when the request says stream: true."},
            "x-event": {"$ref": "#/components/schemas/StreamEvent"},
        }
    refusals = {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in _REFUSALS.items()}
    out["responses"] = {"200": {"description": "Done", "content": content}, **refusals}
    return out


def _parameters() -> dict[str, Any]:
    name, value = BETA_HEADER
    found: dict[str, Any] = {
        "Beta": {"name": name, "in": "header", "required": True, "schema": {"type": "string", "const": value}}
    }
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            found[_pascal(parameter)] = {
                "name": parameter,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
    return found


def _refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    for status, (name, description) in _REFUSALS.items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        response: dict[str, Any] = {"description": description, "content": content}
        if status == "429":
            waits = {"description": "Seconds, or a date.", "schema": {"type": "string"}}
            response["headers"] = {"Retry-After": waits}
        yield name, response


def _referred_to(components: dict[str, Any], paths: object) -> dict[str, Any]:
    """Those components that the paths, or others that stay, refer to; `Error` is referred to by the responses."""
    kept: set[str] = set()
    todo = ["Error", *_references(paths)]
    while todo:
        name = todo.pop()
        if name in components and name not in kept:
            kept.add(name)
            todo += _references(components[name])
    return {name: schema for name, schema in components.items() if name in kept}


def _references(value: object) -> Iterator[str]:
    """The names of the components that a value refers to, anywhere in it."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


class _Components:
    """The schema documents of an edition, each under a name of its own and by that name where another holds it.

    Compiled schemas are in one piece. A fragment of one that says what a document of its own says is replaced by a
    reference to that, so that the edition is applied in one place only.
    """

    def __init__(self, edition: str) -> None:
        self._edition = edition
        self._documents: dict[str, tuple[str, Schema]] = {}
        for group in ("shared", "requests", "objects", "stream"):
            for name in names(group):
                if (group, name) != ("stream", "events"):
                    schema = _plain(compiled(f"{group}/{name}", name, edition))
                    self._documents[f"{group}/{name}"] = (_component(group, name), schema)
        self._by_content = {
            (schema.get("title"), _content(schema)): (component, schema)
            for component, schema in self._documents.values()
        }

    def reference(self, document: str) -> dict[str, str]:
        """A reference to the component that a document makes."""
        return {"$ref": f"#/components/schemas/{self._documents[document][0]}"}

    def query(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """The query parameters of an operation."""
        if operation.name not in request_queries():
            return
        schema = _plain(compiled(request_queries()[operation.name], operation.name, self._edition))
        for name, place in schema["properties"].items():
            parameter: dict[str, Any] = {"name": query_name(name), "in": "query", "required": False}
            if "description" in place:
                parameter["description"] = place["description"]
            parameter["schema"] = {key: value for key, value in self._shortened(place).items() if key != "description"}
            yield parameter

    def all(self) -> dict[str, Any]:
        """Every component by its name."""
        found = {
            component: {key: self._shortened(member) for key, member in schema.items()}
            for component, schema in sorted(self._documents.values(), key=lambda pair: pair[0])
        }
        return {**found, "StreamEvent": self._event()}

    def _event(self) -> dict[str, Any]:
        branches = []
        for kind in event_kinds().values():
            if in_force(self._edition, kind.since, None):
                data = {"const": DONE_DATA} if kind.name == DONE else self._data(kind.kind)
                members = {"event": {"const": kind.name}, "data": data}
                branches.append({"type": "object", "properties": members, "required": ["event", "data"]})
        return {"title": "Stream event", "description": "One event of a run's stream.", "oneOf": branches}

    def _data(self, kind: str) -> dict[str, str]:
        group = next(group for group in ("objects", "stream") if f"{group}/{kind}" in self._documents)
        return self.reference(f"{group}/{kind}")

    def _shortened(self, value: Any) -> Any:
        """A fragment with what has a name of its own replaced by a reference to it."""
        if isinstance(value, list):
            return [self._shortened(item) for item in value]
        if not isinstance(value, dict):
            return value
        return self._named(value) or {key: self._shortened(member) for key, member in value.items()}

    def _named(self, fragment: Schema) -> dict[str, Any] | None:
        """The reference that says what a fragment says; None where no document says that."""
        for candidate, nullable in ((fragment, False), (_not_null(fragment), True)):
            held = self._by_content.get((candidate.get("title"), _content(candidate))) if candidate else None
            if held is None:
                continue
            component, schema = held
            reference: dict[str, Any] = {"$ref": f"#/components/schemas/{component}"}
            named = {"anyOf": [reference, {"type": "null"}]} if nullable else reference
            said = fragment.get("description")
            return named if said in (None, schema.get("description")) else {**named, "description": said}
        return None


def _plain(value: Any) -> Any:
    """A compiled schema without the annotations that are the suite's own."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {key: _plain(member) for key, member in value.items() if not key.startswith("x-") or key == "x-atMostHalfOf"}


def _content(schema: Any) -> str:
    """What a schema demands, as text: two with the same content accept the same values."""

    def bare(value: Any, in_properties: bool = False) -> Any:
        if isinstance(value, Mapping):
            return {
                key: bare(member, key == "properties" and not in_properties)
                for key, member in value.items()
                if in_properties or key not in ("title", "description")
            }
        return [bare(item) for item in value] if isinstance(value, list) else value

    return json.dumps(bare(schema), sort_keys=True)


def _not_null(schema: Schema) -> Schema | None:
    """The schema without null among what it allows; None where it does not allow it, or allows nothing else."""
    if "oneOf" in schema and {"type": "null"} in schema["oneOf"]:
        return {**schema, "oneOf": [branch for branch in schema["oneOf"] if branch != {"type": "null"}]}
    kinds = schema.get("type")
    if not isinstance(kinds, list) or "null" not in kinds or len(kinds) < 2:
        return None
    left = [kind for kind in kinds if kind != "null"]
    out = {**schema, "type": left[0] if len(left) == 1 else left}
    if "enum" in out:
        out["enum"] = [value for value in out["enum"] if value is not None]
    return out


def _component(group: str, name: str) -> str:
    return _pascal(name) + ("Request" if group == "requests" else "")


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _tag(operation: Operation) -> str:
    if operation.name.endswith("run_steps") or operation.name.endswith("run_step"):
        return "Run steps"
    for word in ("assistant", "message", "run", "thread"):
        if word in operation.name:
            return word.capitalize() + "s"
    return "Runs"
