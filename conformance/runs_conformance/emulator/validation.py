"""Validation of requests: the contract's schemas, and the service's words for what breaks them.

An emulator examines requests by a copy of the schemas that is its own, so that a mutant can relax or tighten one
keyword of it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from runs_conformance.contract.constraint import request_bodies, request_queries
from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.contract.schema_violation import Fault, examine_schema, types_of
from runs_conformance.emulator.error_messages import refusal_of
from runs_conformance.model.json import ABSENT, parts


class Schemas:
    """An emulator's own copy of the request schemas, by operation; a schema is copied when it is first asked for.

    `judge` finds the faults of a value; a mutant may put a more lenient one in its place.
    """

    def __init__(self, edition: str) -> None:
        self.edition = edition
        self.judge: Callable[[Schema, Any], list[Fault]] = lambda schema, value: examine_schema(schema, value).faults
        self._own: dict[tuple[str, str], Schema] = {}

    def body(self, operation: str) -> Schema:
        """The schema of an operation's body."""
        return self._copy("body", request_bodies()[operation], operation)

    def query(self, operation: str) -> Schema:
        """The schema of an operation's query."""
        return self._copy("query", request_queries()[operation], operation)

    def _copy(self, side: str, document: str, operation: str) -> Schema:
        key = (side, operation)
        if key not in self._own:
            self._own[key] = copy.deepcopy(compiled(document, operation, self.edition))
        return self._own[key]


def check_body(schemas: Schemas, operation: Operation, body: Any) -> None:
    """Refuse a body that breaks its schema, by the first fault."""
    if operation.body is None or body is ABSENT:
        return
    schema = schemas.body(operation.name)
    faults = schemas.judge(schema, body)
    if faults:
        raise refusal_of(min(faults, key=_weight), schema, body)


def read_query(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query's members with the types that the schema gives them; what the operation does not know is left out."""
    if operation.query is None:
        return {}
    schema = schemas.query(operation.name)
    query: dict[str, Any] = {}
    for written, text in pairs:
        name = written.removesuffix("[]")
        place = schema["properties"].get(name)
        if place is None:
            continue
        if "array" in types_of(place):
            query.setdefault(name, []).append(text)
        else:
            query[name] = int(text) if "integer" in types_of(place) and re.fullmatch(r"-?\d{1,18}", text) else text
    faults = schemas.judge(schema, query)
    if faults:
        raise refusal_of(min(faults, key=_weight), schema, query)
    return query


def _weight(fault: Fault) -> tuple[int, int]:
    order = ("type", "required", "additionalProperties")
    keyword = fault.constraint.rpartition(".")[2]
    return len(parts(fault.pointer)), order.index(keyword) if keyword in order else len(order)
