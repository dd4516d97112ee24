"""Query values: valid and invalid ones for each keyword of an operation's query parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.constraint import query_documents
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.operation import query_name
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import ABSENT, JSON, json_pointer

Query = tuple[tuple[str, JSON], ...]


@dataclass(frozen=True, slots=True)
class QueryCase:
    """A valid query, the constraints that it exercises, and the mutated place if it has a single value."""

    query: Query
    exercises: tuple[str, ...]
    mutation: Mutation | None


@dataclass(frozen=True, slots=True)
class QueryFactory:
    """Builds the queries of one operation. Programs that know ids send the id parameters (cursors, filters)."""

    operation: str
    edition: str

    @property
    def _schema(self) -> Schema:
        return compile_schema(query_documents()[self.operation], self.operation, self.edition)

    def _parameters(self) -> Iterator[tuple[str, Schema]]:
        for name, schema in self._schema["properties"].items():
            if "x-references" not in schema:
                yield name, schema

    def valid_cases(self) -> list[tuple[QueryCase, list[QueryCase]]]:
        """Queries that together carry every boundary value, each with the single-value queries that it combines."""
        values_by_name = {name: list(_boundary_values(schema)) for name, schema in self._parameters()}
        count = max((len(values) for values in values_by_name.values()), default=0)
        rounds = [
            {name: values[index] for name, values in values_by_name.items() if index < len(values)}
            for index in range(count)
        ]
        return [
            (
                self._build_case({name: value for name, (_, value) in values.items()}),
                [self._build_case({name: value}, keyword) for name, (keyword, value) in values.items()],
            )
            for values in rounds
        ]

    def _build_case(self, values: dict[str, JSON], keyword: str = "") -> QueryCase:
        examination = validate(self._schema, values)
        if examination.violations:
            raise InternalError(f"a valid query of {self.operation} violates {examination.violations[0].constraint}")
        exercises = sorted(set(examination.checked), key=lambda id_: (not id_.endswith(f".{keyword}"), id_))
        ((name, value), *_) = _encode(values)
        mutation = Mutation(json_pointer(name), keyword, ABSENT, value, "query") if keyword else None
        return QueryCase(_encode(values), tuple(exercises), mutation)

    def negatives(self) -> Iterator[tuple[str, Query, Mutation]]:
        """Yield every invalid value with the constraint that it violates."""
        for name, schema in self._parameters():
            for keyword, invalid in _invalid_values(schema):
                place = schema if schema["type"] != "array" else schema["items"]
                id_ = f"{place['x-at']}.{keyword}"
                violated = {violation.constraint for violation in validate(self._schema, {name: invalid}).violations}
                if violated != {id_}:
                    raise InternalError(f"the negative of {id_} violates {', '.join(sorted(violated)) or 'nothing'}")
                became: Any = invalid[0] if isinstance(invalid, list) else invalid
                mutation = Mutation(json_pointer(query_name(name)), keyword, ABSENT, became, "query")
                yield id_, _encode({name: invalid}), mutation


def _encode(values: dict[str, JSON]) -> Query:
    query: list[tuple[str, JSON]] = []
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            query.append((query_name(name), item if isinstance(item, str) else str(item)))
    return tuple(query)


def _boundary_values(schema: Schema) -> Iterator[tuple[str, JSON]]:
    if schema["type"] == "array":
        yield from (("enum", [value]) for value in schema["items"]["enum"])
    elif "enum" in schema:
        yield from (("enum", value) for value in schema["enum"])
    else:
        yield from ((keyword, schema[keyword]) for keyword in ("minimum", "maximum") if keyword in schema)


def _invalid_values(schema: Schema) -> Iterator[tuple[str, JSON]]:
    if schema["type"] == "array":
        yield "enum", ["unexpected"]
        return
    if "enum" in schema:
        yield "enum", "unexpected"
    if "minimum" in schema:
        yield "minimum", schema["minimum"] - 1
        yield "minimum", -1
    if "maximum" in schema:
        yield "maximum", schema["maximum"] + 1
    if allowed_types(schema) == ["integer"]:
        yield "type", "abc"
        yield "type", 1.5
