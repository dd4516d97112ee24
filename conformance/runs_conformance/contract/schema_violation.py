"""Schema violations: the constraints that a value violates, each with its location."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runs_conformance.model.json import ABSENT, JSON, Absent, json_pointer

MAX_OF_EACH = 1_000
"""Number of violations of one constraint that are kept of a value: more than any page of valid objects can show."""

Location: TypeAlias = tuple[Any, str | int] | None
"""A path from the root as a linked list (parent, last token); only a violation turns it into a JSON Pointer."""


@dataclass(frozen=True, slots=True)
class SchemaViolation:
    """One constraint that a value violates, and the JSON Pointer of the value.

    For `required` and `additionalProperties` that value is the object, and `member` the missing or unknown member.
    """

    constraint: str
    pointer: str
    message: str
    expected: JSON | Absent = ABSENT
    actual: JSON | Absent = ABSENT
    member: str | None = None

    @property
    def place(self) -> str:
        """The pointer to what has to change: the missing or unknown member itself, if there is one."""
        return self.pointer if self.member is None else self.pointer + json_pointer(self.member)


@dataclass(slots=True)
class ValidationResult:
    """The constraints that were checked, each as often as it was, and the violations, up to a number of each."""

    checked: list[str] = field(default_factory=list)
    violations: list[SchemaViolation] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    @property
    def valid(self) -> bool:
        """Whether the value satisfies every constraint."""
        return not self.violations

    def add(
        self, constraint: str, location: Location, message: str, expected: Any, actual: Any, member: str | None = None
    ) -> None:
        """Record a violation at a location, unless a value has many of this constraint."""
        self._counts[constraint] += 1
        if self._counts[constraint] > MAX_OF_EACH:
            return
        self.violations.append(SchemaViolation(constraint, _pointer(location), message, expected, actual, member))


def _pointer(location: Location) -> str:
    tokens: list[str | int] = []
    while location is not None:
        location, token = location
        tokens.append(token)
    return json_pointer(*reversed(tokens))
