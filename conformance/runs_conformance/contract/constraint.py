"""The constraints of the schemas: one for each keyword at each place, with level, source and statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.json_type import allowed_types, describe_types, discriminator_of
from runs_conformance.contract.keywords import CONSTRAINT_KEYWORDS
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema, compile_schema, document_names
from runs_conformance.model.rule import Constraint
from runs_conformance.model.source import Basis, Level, Source

_CAPABILITY_BY_KIND = {
    "run": "core",
    "run_step": "steps",
    "message": "messages",
    "thread": "core",
    "assistant": "core",
    "error": "errors",
    "message_delta": "streaming",
    "run_step_delta": "streaming",
    "error_event": "streaming",
}


@cache
def object_documents() -> Mapping[str, str]:
    """The name of the schema document of each kind of object that a server sends."""
    kinds = {name: f"objects/{name}" for name in document_names("objects")}
    kinds.update({name: f"stream/{name}" for name in document_names("stream") if name != "events"})
    return kinds


@cache
def body_documents() -> Mapping[str, str]:
    """The name of the schema document of each operation with a request body."""
    return {op.name: f"requests/{op.body}" for op in OPERATIONS.values() if op.body}


@cache
def query_documents() -> Mapping[str, str]:
    """The name of the schema document of each operation with a query."""
    return {op.name: f"queries/{op.query}" for op in OPERATIONS.values() if op.query}


@cache
def constraints(edition: str = DEFAULT_EDITION) -> Mapping[str, Constraint]:
    """Every constraint of an edition by its id, requests first, in the order of the documents."""
    out: dict[str, Constraint] = {}
    for operation in OPERATIONS:
        if document := body_documents().get(operation):
            for constraint in _constraints_of(compile_schema(document, operation, edition), "request", operation):
                out.setdefault(constraint.id, constraint)
        if document := query_documents().get(operation):
            # The type of a query document is a notation for its parameters, not a constraint on requests.
            query = {key: value for key, value in compile_schema(document, operation, edition).items() if key != "type"}
            for constraint in _constraints_of(query, "request", operation):
                out.setdefault(constraint.id, constraint)
    for kind, document in object_documents().items():
        for constraint in _constraints_of(compile_schema(document, kind, edition), "response", None):
            out.setdefault(constraint.id, constraint)
    return out


def _constraints_of(schema: Schema, side: str, operation: str | None) -> Iterator[Constraint]:
    for id_, keyword, place, value, ancestors in constraints_with_ancestors(schema):
        condition = _condition(place, value, ancestors) if keyword == "required" else ""
        statement = _statement(id_, keyword, place, value)
        if condition:
            statement += f" if {condition}"
        elif keyword == "enum" and "oneOf" not in place and _is_branch(place, ancestors):
            statement += " if it is a string"
        yield Constraint(
            id=id_,
            side=side,
            level=_level(place, keyword),
            source=_source(place, keyword),
            capability=_capability(id_, side, operation),
            operation=operation,
            statement=f"{statement}{_ON_REQUESTS}" if side == "request" else statement,
            condition=condition,
        )


def schema_constraints(schema: Schema) -> Iterator[tuple[str, str, Schema, Any]]:
    """Every constraint of a compiled schema: its id, its keyword, its place and the keyword's value.

    `required` makes one constraint per member, whose value is the name of the member.
    """
    return ((id_, keyword, place, value) for id_, keyword, place, value, _ in constraints_with_ancestors(schema))


def constraints_with_ancestors(
    schema: Schema, ancestors: tuple[Schema, ...] = ()
) -> Iterator[tuple[str, str, Schema, Any, tuple[Schema, ...]]]:
    """The same as `schema_constraints`, each with the enclosing places, outermost first."""
    at = schema.get("x-at")
    if at is not None:
        if "oneOf" in schema:
            yield f"{at}.type", "type", schema, allowed_types(schema), ancestors
            if discriminator := discriminator_of(schema):
                member, values = discriminator
                yield f"{at}.{member}.required", "required", schema, member, ancestors
                yield f"{at}.{member}.enum", "enum", schema, list(values), ancestors
        for keyword in CONSTRAINT_KEYWORDS:
            if keyword not in schema or (keyword == "additionalProperties" and schema[keyword] is not False):
                continue
            if keyword == "required":
                for member in schema["required"]:
                    yield f"{at}.{member}.required", keyword, schema, member, ancestors
            else:
                yield f"{at}.{keyword}", keyword, schema, schema[keyword], ancestors
        if "x-atMostHalfOf" in schema:
            yield f"{at}.maximum", "x-atMostHalfOf", schema, schema["x-atMostHalfOf"], ancestors
    for sub in _subschemas(schema):
        yield from constraints_with_ancestors(sub, (*ancestors, schema))


def _subschemas(schema: Schema) -> Iterator[Schema]:
    for branch in schema.get("oneOf", ()):
        # A branch has the place of its union, and its type is part of the union's type.
        yield {key: value for key, value in branch.items() if key != "type"}
    yield from schema.get("properties", {}).values()
    for key in ("items", "propertyNames", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield schema[key]


def _effective_source(place: Schema, keyword: str) -> Mapping[str, Any]:
    return {**place.get("x-source", {}), **place.get("x-sources", {}).get(keyword, {})}


def _level(place: Schema, keyword: str) -> Level:
    return Level(_effective_source(place, keyword).get("level", "must"))


def _source(place: Schema, keyword: str) -> Source:
    source = _effective_source(place, keyword)
    return Source(
        Basis(source.get("basis", "schema")),
        str(source.get("locator", "")),
        str(source.get("edition", "")),
        str(source.get("note", "")),
    )


def _capability(id_: str, side: str, operation: str | None) -> str:
    if side == "request":
        return "listing" if operation and operation.startswith("list_") else "validation"
    kind = id_.partition(".")[0]
    return "listing" if kind.endswith("_list") else _CAPABILITY_BY_KIND.get(kind, "core")


_ON_REQUESTS = "; a request that violates this is refused, one that satisfies it is accepted"


def _is_branch(place: Schema, ancestors: tuple[Schema, ...]) -> bool:
    """Whether a place is one branch of a union."""
    return bool(ancestors) and ancestors[-1].get("x-at") == place["x-at"]


def _condition(place: Schema, member: str, ancestors: tuple[Schema, ...]) -> str:
    """The values of the discriminator for which a union requires a member; empty if all branches require it."""
    discriminator = discriminator_of(ancestors[-1]) if _is_branch(place, ancestors) else None
    if discriminator is None:
        return ""
    name, values = discriminator
    objects = [branch for branch in ancestors[-1]["oneOf"] if "properties" in branch]
    requiring = [value for value, branch in zip(values, objects, strict=True) if member in branch.get("required", ())]
    return f"{name} is {' or '.join(map(_quote, requiring))}" if len(requiring) < len(values) else ""


def _statement(id_: str, keyword: str, place: Schema, value: Any) -> str:
    at = _describe_place(place["x-at"])
    whole = f"the body of {at}" if at in OPERATIONS else at
    statements = {
        "type": lambda: f"{whole} is {describe_types(_as_list(value))}",
        "enum": lambda: f"{id_.rpartition('.')[0]} is {_describe_values(value)}",
        "const": lambda: f"{at} is {_quote(value)}",
        "minimum": lambda: f"{at} is at least {value}",
        "maximum": lambda: f"{at} is at most {value}",
        "minLength": lambda: f"{at} has at least {value} character{'s' * (value != 1)}",
        "maxLength": lambda: f"{at} has at most {value} characters",
        "pattern": lambda: f"{at} matches {value}",
        "minItems": lambda: f"{at} has at least {value} item{'s' * (value != 1)}",
        "maxItems": lambda: f"{at} has at most {value} item{'s' * (value != 1)}",
        "minProperties": lambda: f"{whole} has at least {value} members",
        "maxProperties": lambda: f"{whole} has at most {value} members",
        "required": lambda: f"{at}.{value} is present",
        "additionalProperties": lambda: f"{whole} has no members that the contract does not name",
        "not": lambda: f"{whole} does not hold {' and '.join(value.get('required', ('members',)))} together",
        "x-atMostHalfOf": lambda: f"{at} is at most half of {value}",
    }
    return statements[keyword]()


def _describe_place(at: str) -> str:
    """A place as the subject of a statement: `each key of create_run.metadata`, `each value of create_run.metadata`."""
    if at.endswith(".propertyNames"):
        return f"each key of {at.removesuffix('.propertyNames')}"
    return f"each value of {at.removesuffix('{}')}" if at.endswith("{}") else at


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _describe_values(values: Sequence[Any]) -> str:
    texts = ", ".join(map(_quote, values))
    return texts if len(values) == 1 else f"one of {texts}"


def _quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
