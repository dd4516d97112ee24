"""Query values: legal and illegal ones for each keyword of an operation's query parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.constraint import request_queries
from runs_conformance.contract.operation import query_name
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.contract.schema_violation import examine_schema, types_of
from runs_conformance.errors import SuiteFault
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import ABSENT, JSON, pointer

Query = tuple[tuple[str, JSON], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A legal query, the constraints of which it shows a legal value, and for a single value its place."""

    query: Query
    shows: tuple[str, ...]
    mutation: Mutation | None


@dataclass(frozen=True, slots=True)
class QueryBench:
    """The query parameters of one operation. Ids (cursors, filters) are left to the programs that know some."""

    operation: str
    edition: str

    @property
    def _schema(self) -> Schema:
        return compiled(request_queries()[self.operation], self.operation, self.edition)

    def _parameters(self) -> Iterator[tuple[str, Schema]]:
        for name, schema in self._schema["properties"].items():
            if "x-references" not in schema:
                yield name, schema

    def legal(self) -> list[tuple[Asked, list[Asked]]]:
        """Queries that together show every edge, each with the queries of one edge each that it is made of."""
        edges = {name: list(_legal(schema)) for name, schema in self._parameters()}
        count = max((len(values) for values in edges.values()), default=0)
        rounds = [{name: values[turn] for name, values in edges.items() if turn < len(values)} for turn in range(count)]
        return [
            (
                self._asked({name: value for name, (_, value) in chosen.items()}),
                [self._asked({name: value}, keyword) for name, (keyword, value) in chosen.items()],
            )
            for chosen in rounds
        ]

    def _asked(self, values: dict[str, JSON], keyword: str = "") -> Asked:
        examination = examine_schema(self._schema, values)
        if examination.faults:
            raise SuiteFault(f"a legal query of {self.operation} breaks {examination.faults[0].constraint}")
        shows = sorted(set(examination.judged), key=lambda id_: (not id_.endswith(f".{keyword}"), id_))
        ((name, value), *_) = _on_the_wire(values)
        mutation = Mutation(pointer(name), keyword, ABSENT, value, "query") if keyword else None
        return Asked(_on_the_wire(values), tuple(shows), mutation)

    def negatives(self) -> Iterator[tuple[str, Query, Mutation]]:
        """Every illegal value, with the constraint that it breaks."""
        for name, schema in self._parameters():
            for keyword, bad in _illegal(schema):
                place = schema if schema["type"] != "array" else schema["items"]
                id_ = f"{place['x-at']}.{keyword}"
                found = {fault.constraint for fault in examine_schema(self._schema, {name: bad}).faults}
                if found != {id_}:
                    raise SuiteFault(f"the negative of {id_} breaks {', '.join(sorted(found)) or 'nothing'}")
                shown: Any = bad[0] if isinstance(bad, list) else bad
                mutation = Mutation(pointer(query_name(name)), keyword, ABSENT, shown, "query")
                yield id_, _on_the_wire({name: bad}), mutation


def _on_the_wire(values: dict[str, JSON]) -> Query:
    query: list[tuple[str, JSON]] = []
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            query.append((query_name(name), item if isinstance(item, str) else str(item)))
    return tuple(query)


def _legal(schema: Schema) -> Iterator[tuple[str, JSON]]:
    if schema["type"] == "array":
        yield from (("enum", [value]) for value in schema["items"]["enum"])
    elif "enum" in schema:
        yield from (("enum", value) for value in schema["enum"])
    else:
        yield from ((keyword, schema[keyword]) for keyword in ("minimum", "maximum") if keyword in schema)


def _illegal(schema: Schema) -> Iterator[tuple[str, JSON]]:
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
    if types_of(schema) == ["integer"]:
        yield "type", "abc"
        yield "type", 1.5
