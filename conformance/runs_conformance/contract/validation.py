"""Validation of values against the contract: the constraints that apply to a value, and those that it violates.

Unlike a general validator, this one counts every keyword that applies under its constraint id, and judges a union by
the branch that the value's JSON type and discriminator select, so that a violation is reported at its own location and
not as "not valid under any of the given schemas". A value of the wrong type is one violation: no other keyword of that
place applies to it. Each schema is compiled once, because a test run validates thousands of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.schema_violation import ValidationResult
from runs_conformance.contract.validator import Validator, compile_validator
from runs_conformance.model.json import JSON


def validate_document(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> ValidationResult:
    """Validate a value against the document `name`; constraint ids begin with `prefix`."""
    return _run(_document_validator(name, prefix, edition), value)


def validate(schema: Schema, value: JSON) -> ValidationResult:
    """Validate a value against a compiled schema."""
    cached = _validators.get(id(schema))
    if cached is None or cached[0] is not schema:
        cached = _validators[id(schema)] = (schema, compile_validator(schema))
    return _run(cached[1], value)


@cache
def is_valid(name: str, prefix: str, edition: str) -> Callable[[JSON], bool]:
    """A predicate for values that satisfy every constraint of a document in an edition."""
    return lambda value: validate_document(name, prefix, value, edition).valid


_validators: dict[int, tuple[Schema, Validator]] = {}
"""The validator of each schema by the schema's `id()`. Keeping the schema alive beside it keeps the id unique."""


def _run(validator: Validator, value: JSON) -> ValidationResult:
    result = ValidationResult()
    validator(value, None, result)
    return result


@cache
def _document_validator(name: str, prefix: str, edition: str) -> Validator:
    return compile_validator(compile_schema(name, prefix, edition))
