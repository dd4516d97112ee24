"""The keywords of JSON Schema that constrain a value by itself, without its members and items.

The validator reports their violations under constraint ids; a condition only asks whether a value satisfies them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runs_conformance.model.json import json_equal

CONSTRAINT_KEYWORDS = (
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "maxProperties",
    "minProperties",
    "not",
    "required",
    "additionalProperties",
)
"""The keywords that each state a constraint with an id of its own."""

Predicate = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Assertion:
    """One keyword: `bind` turns its value in a schema into a test of values of the types `applies_to` (empty: of any).

    `message` describes a violation and may use {at}, {value}, {expected}, {alternatives} and {length}.
    """

    bind: Callable[[Any], Predicate]
    message: str
    applies_to: tuple[str, ...] = ()


def _bind_enum(values: list[Any]) -> Predicate:
    strings = frozenset(value for value in values if isinstance(value, str))
    others = [value for value in values if not isinstance(value, str)]
    return lambda value: (
        value in strings if isinstance(value, str) else any(json_equal(value, other) for other in others)
    )


def _bind_pattern(pattern: str) -> Predicate:
    # `$` matches only at the very end in JSON Schema; in Python it also matches before a final newline.
    search = re.compile(re.sub(r"(?<!\\)\$\Z", r"\\Z", pattern)).search
    return lambda value: search(value) is not None


_NUMBER, _STRING, _ARRAY, _OBJECT = ("integer", "number"), ("string",), ("array",), ("object",)

ASSERTIONS: dict[str, Assertion] = {
    "enum": Assertion(_bind_enum, "{at} is {value}, not one of {alternatives}"),
    "const": Assertion(lambda constant: lambda value: json_equal(value, constant), "{at} is {value}, not {expected!r}"),
    "minimum": Assertion(lambda low: lambda value: value >= low, "{at} is {value}, less than {expected}", _NUMBER),
    "maximum": Assertion(lambda high: lambda value: value <= high, "{at} is {value}, more than {expected}", _NUMBER),
    "minLength": Assertion(
        lambda low: lambda value: len(value) >= low, "{at} has {length} characters, fewer than {expected}", _STRING
    ),
    "maxLength": Assertion(
        lambda high: lambda value: len(value) <= high, "{at} has {length} characters, more than {expected}", _STRING
    ),
    "pattern": Assertion(_bind_pattern, "{at} is {value}, which does not match {expected}", _STRING),
    "minItems": Assertion(
        lambda low: lambda value: len(value) >= low, "{at} has {length} items, fewer than {expected}", _ARRAY
    ),
    "maxItems": Assertion(
        lambda high: lambda value: len(value) <= high, "{at} has {length} items, more than {expected}", _ARRAY
    ),
    "minProperties": Assertion(
        lambda low: lambda value: len(value) >= low, "{at} has {length} members, fewer than {expected}", _OBJECT
    ),
    "maxProperties": Assertion(
        lambda high: lambda value: len(value) <= high, "{at} has {length} members, more than {expected}", _OBJECT
    ),
}
"""The keywords by name, in the order in which the validator tests them."""
