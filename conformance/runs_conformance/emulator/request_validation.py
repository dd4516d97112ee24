"""Validation of requests against the contract's schemas.

An emulator has its own copy of the schemas, so that a mutant can relax or tighten one keyword.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from runs_conformance.contract.constraint import body_documents, query_documents
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.contract.validation import validate
from runs_conformance.emulator.error_messages import error_for
from runs_conformance.model.json import ABSENT, pointer_tokens


class Schemas:
    """An emulator's own copy of the request schemas. A schema is copied on first use.

    `find_violations` validates a value; a mutant may replace it with a more lenient function.
    """

    def __init__(self, edition: str) -> None:
        self.edition = edition
        self.find_violations: Callable[[Schema, Any], list[SchemaViolation]] = lambda schema, value: (
            validate(schema, value).violations
        )
        self._copies: dict[tuple[str, str], Schema] = {}

    def body(self, operation: str) -> Schema:
        """The schema of an operation's body."""
        return self._copy("body", body_documents()[operation], operation)

    def query(self, operation: str) -> Schema:
        """The schema of an operation's query."""
        return self._copy("query", query_documents()[operation], operation)

    def _copy(self, side: str, document: str, operation: str) -> Schema:
        key = (side, operation)
        if key not in self._copies:
            self._copies[key] = copy.deepcopy(compile_schema(document, operation, self.edition))
        return self._copies[key]


def validate_body(schemas: Schemas, operation: Operation, body: Any) -> None:
    """Refuse an invalid body. Raises ApiError for its first violation."""
    if operation.body is None or body is ABSENT:
        return
    schema = schemas.body(operation.name)
    violations = schemas.find_violations(schema, body)
    if violations:
        raise error_for(min(violations, key=_rank), schema, body)


def read_query(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query converted to the types of its schema, without unknown members. Raises ApiError if it is invalid."""
    if operation.query is None:
        return {}
    schema = schemas.query(operation.name)
    query: dict[str, Any] = {}
    for raw_name, text in pairs:
        name = raw_name.removesuffix("[]")
        place = schema["properties"].get(name)
        if place is None:
            continue
        if "array" in allowed_types(place):
            query.setdefault(name, []).append(text)
        else:
            query[name] = int(text) if "integer" in allowed_types(place) and re.fullmatch(r"-?\d{1,18}", text) else text
    violations = schemas.find_violations(schema, query)
    if violations:
        raise error_for(min(violations, key=_rank), schema, query)
    return query


def _rank(violation: SchemaViolation) -> tuple[int, int]:
    order = ("type", "required", "additionalProperties")
    keyword = violation.constraint.rpartition(".")[2]
    return len(pointer_tokens(violation.pointer)), order.index(keyword) if keyword in order else len(order)
