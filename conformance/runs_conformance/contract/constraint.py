"""The constraints that the schemas state, one for each keyword at each place, with level, source and statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema, compiled, names
from runs_conformance.contract.schema_violation import KEYWORDS, discriminator_of, types_of
from runs_conformance.model.rule import Constraint
from runs_conformance.model.source import Basis, Level, Source

_CAPABILITY_OF_KIND = {
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
def objects() -> Mapping[str, str]:
    """The kinds of object that a server answers with, each with the name of its document."""
    kinds = {name: f"objects/{name}" for name in names("objects")}
    kinds.update({name: f"stream/{name}" for name in names("stream") if name != "events"})
    return kinds


@cache
def request_bodies() -> Mapping[str, str]:
    """The operations that take a body, each with the name of its document."""
    return {op.name: f"requests/{op.body}" for op in OPERATIONS.values() if op.body}


@cache
def request_queries() -> Mapping[str, str]:
    """The operations that take a query, each with the name of its document."""
    return {op.name: f"queries/{op.query}" for op in OPERATIONS.values() if op.query}


@cache
def constraints(edition: str = DEFAULT_EDITION) -> Mapping[str, Constraint]:
    """Every constraint of an edition by its id, requests first, in the order of the documents."""
    found: dict[str, Constraint] = {}
    for operation in OPERATIONS:
        if document := request_bodies().get(operation):
            for constraint in _of(compiled(document, operation, edition), "request", operation):
                found.setdefault(constraint.id, constraint)
        if document := request_queries().get(operation):
            # That a query as a whole is an object of parameters is how it is written down here, not a demand.
            query = {key: value for key, value in compiled(document, operation, edition).items() if key != "type"}
            for constraint in _of(query, "request", operation):
                found.setdefault(constraint.id, constraint)
    for kind, document in objects().items():
        for constraint in _of(compiled(document, kind, edition), "response", None):
            found.setdefault(constraint.id, constraint)
    return found


def _of(schema: Schema, side: str, operation: str | None) -> Iterator[Constraint]:
    for id_, keyword, place, value in keywords(schema):
        yield Constraint(
            id=id_,
            side=side,
            level=_level(place, keyword),
            source=_source(place, keyword),
            capability=_capability(id_, side, operation),
            operation=operation,
            statement=_statement(id_, keyword, place, value, side),
        )


def keywords(schema: Schema) -> Iterator[tuple[str, str, Schema, Any]]:
    """Every constraint of a compiled schema: its id, the keyword, the place that states it, and the keyword's value.

    For `required` there is one for each member, and the value is its name.
    """
    return ((id_, keyword, place, value) for id_, keyword, place, value, _ in keywords_within(schema))


def keywords_within(
    schema: Schema, around: tuple[Schema, ...] = ()
) -> Iterator[tuple[str, str, Schema, Any, tuple[Schema, ...]]]:
    """The same, each with the places that it lies in, the outermost first."""
    at = schema.get("x-at")
    if at is not None:
        if "oneOf" in schema:
            yield f"{at}.type", "type", schema, types_of(schema), around
            if told_apart := discriminator_of(schema):
                member, kinds = told_apart
                yield f"{at}.{member}.required", "required", schema, member, around
                yield f"{at}.{member}.enum", "enum", schema, list(kinds), around
        for keyword in KEYWORDS:
            if keyword not in schema or (keyword == "additionalProperties" and schema[keyword] is not False):
                continue
            if keyword == "required":
                for member in schema["required"]:
                    yield f"{at}.{member}.required", keyword, schema, member, around
            else:
                yield f"{at}.{keyword}", keyword, schema, schema[keyword], around
        if "x-atMostHalfOf" in schema:
            yield f"{at}.maximum", "x-atMostHalfOf", schema, schema["x-atMostHalfOf"], around
    for sub in _below(schema):
        yield from keywords_within(sub, (*around, schema))


def _below(schema: Schema) -> Iterator[Schema]:
    for branch in schema.get("oneOf", ()):
        # The branch shares the union's place, and its type is the union's matter.
        yield {key: value for key, value in branch.items() if key != "type"}
    yield from schema.get("properties", {}).values()
    for key in ("items", "propertyNames", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield schema[key]


def _effective(place: Schema, keyword: str) -> Mapping[str, Any]:
    return {**place.get("x-source", {}), **place.get("x-sources", {}).get(keyword, {})}


def _level(place: Schema, keyword: str) -> Level:
    return Level(_effective(place, keyword).get("level", "must"))


def _source(place: Schema, keyword: str) -> Source:
    stated = _effective(place, keyword)
    return Source(
        Basis(stated.get("basis", "schema")),
        str(stated.get("locator", "")),
        str(stated.get("edition", "")),
        str(stated.get("note", "")),
    )


def _capability(id_: str, side: str, operation: str | None) -> str:
    if side == "request":
        return "listing" if operation and operation.startswith("list_") else "validation"
    kind = id_.partition(".")[0]
    return "listing" if kind.endswith("_list") else _CAPABILITY_OF_KIND.get(kind, "core")


def _statement(id_: str, keyword: str, place: Schema, value: Any, side: str) -> str:
    at = place["x-at"]
    says = {
        "type": lambda: f"{at} is {_listed([_KINDS.get(kind, kind) for kind in _several(value)])}",
        "enum": lambda: f"{id_.rpartition('.')[0]} is one of {_listed(value)}",
        "const": lambda: f"{at} is {value!r}",
        "minimum": lambda: f"{at} is at least {value}",
        "maximum": lambda: f"{at} is at most {value}",
        "minLength": lambda: f"{at} has at least {value} character{'s' * (value != 1)}",
        "maxLength": lambda: f"{at} has at most {value} characters",
        "pattern": lambda: f"{at} matches {value}",
        "minItems": lambda: f"{at} has at least {value} item{'s' * (value != 1)}",
        "maxItems": lambda: f"{at} has at most {value} item{'s' * (value != 1)}",
        "minProperties": lambda: f"{at} has at least {value} members",
        "maxProperties": lambda: f"{at} has at most {value} members",
        "required": lambda: f"{at}.{value} is present",
        "additionalProperties": lambda: f"{at} has no members that the contract does not name",
        "not": lambda: f"{at} does not hold {' and '.join(value.get('required', ('what it excludes',)))} together",
        "x-atMostHalfOf": lambda: f"{at} is at most half of {value}",
    }[keyword]()
    return f"{says}; a request that breaks this is refused" if side == "request" else says


_KINDS = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _listed(value: Any) -> str:
    shown = ["null" if item is None else str(item) for item in _several(value)]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]
