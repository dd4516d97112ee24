"""Examining a value against a place of the contract: which constraints were looked at, and which it breaks.

Each compiled schema is turned once into a tree of small functions, since a run of the suite examines thousands of
objects. What a general validator would not do: every keyword that applies counts as looked at, under its constraint
id; and a union is judged by the branch that the value's JSON type and discriminator name, so that a fault is reported
where it is and not as "not valid under any of the given schemas". A value of the wrong type is one fault: no other
keyword of that place applies to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.json_type import discriminator_of, kind_of, types_of
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.contract.validation import KEYWORDS, Check, Fault, Record, compiled_check
from runs_conformance.model.json import JSON

__all__ = [
    "KEYWORDS",
    "Examination",
    "Fault",
    "discriminator_of",
    "examine",
    "examine_schema",
    "is_valid",
    "kind_of",
    "types_of",
]


@dataclass(slots=True)
class Examination:
    """What examining a value showed: the constraints that were looked at, each as often as it was, and the faults."""

    judged: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether the value keeps every constraint."""
        return not self.faults


def examine(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> Examination:
    """Examine a value against the document `name`; constraint ids begin with `prefix`."""
    return _run(_document_check(name, prefix, edition), value)


def examine_schema(schema: Schema, value: JSON) -> Examination:
    """Examine a value against a compiled schema."""
    held = _checks.get(id(schema))
    if held is None or held[0] is not schema:
        held = _checks[id(schema)] = (schema, compiled_check(schema))
    return _run(held[1], value)


@cache
def is_valid(name: str, prefix: str, edition: str) -> Callable[[JSON], bool]:
    """A test for whether a value keeps every constraint of a document in an edition."""
    return lambda value: examine(name, prefix, value, edition).valid


_checks: dict[int, tuple[Schema, Check]] = {}
"""The check of each schema, by its identity; the schema is kept beside it so that the identity stays taken."""


def _run(check: Check, value: JSON) -> Examination:
    record = Record()
    check(value, None, record)
    return Examination(record.judged, record.faults)


@cache
def _document_check(name: str, prefix: str, edition: str) -> Check:
    return compiled_check(compiled(name, prefix, edition))
