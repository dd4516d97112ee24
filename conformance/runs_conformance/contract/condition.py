"""Conditions: small schemas that say which values something is about, as functions that answer yes or no.

They are plain JSON Schema with the few keywords that `x-either` uses. Random payloads are tested against hundreds of
thousands of them, which is why no general validator does it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from runs_conformance.contract.schema_violation import kind_of
from runs_conformance.errors import SuiteFault
from runs_conformance.model.json import JSON, same

Test = Callable[[Any], bool]


def holds(schema: Mapping[str, Any]) -> Test:
    """The test for whether a value keeps a schema. Raises SuiteFault where the schema uses a keyword unknown here."""
    tests = [_KEYWORDS[key](value) for key, value in _known(schema).items() if key in _KEYWORDS]
    if "if" in schema:
        tests.append(_conditional(holds(schema["if"]), holds(schema.get("then", {})), holds(schema.get("else", {}))))
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _known(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = schema.keys() - _KEYWORDS.keys() - {"if", "then", "else"}
    if unknown:
        raise SuiteFault(f"a condition uses {', '.join(sorted(unknown))}, which nothing tests")
    return schema


def _conditional(condition: Test, then: Test, otherwise: Test) -> Test:
    return lambda value: then(value) if condition(value) else otherwise(value)


def _type(wanted: Any) -> Test:
    kinds = frozenset([wanted] if isinstance(wanted, str) else wanted)
    kinds = kinds | {"integer"} if "number" in kinds else kinds
    return lambda value: kind_of(value) in kinds


def _of(kind: type | tuple[type, ...], test: Test) -> Test:
    """The test, for values of one kind; it says nothing of others."""
    return lambda value: not isinstance(value, kind) or isinstance(value, bool) or test(value)


def _pattern(wanted: str) -> Test:
    search = re.compile(re.sub(r"(?<!\\)\$\Z", r"\\Z", wanted)).search
    return _of(str, lambda value: search(value) is not None)


def _properties(wanted: Mapping[str, Any]) -> Test:
    members = [(name, holds(schema)) for name, schema in wanted.items()]
    return _of(dict, lambda value: all(test(value[name]) for name, test in members if name in value))


def _items(wanted: Mapping[str, Any]) -> Test:
    test = holds(wanted)
    return _of(list, lambda value: all(map(test, value)))


def _contains(wanted: Mapping[str, Any]) -> Test:
    test = holds(wanted)
    return _of(list, lambda value: any(map(test, value)))


def _not(wanted: Mapping[str, Any]) -> Test:
    test = holds(wanted)
    return lambda value: not test(value)


def _one_of(values: list[JSON]) -> Test:
    return lambda value: any(same(value, each) for each in values)


_NUMBER = (int, float)
_KEYWORDS: Mapping[str, Callable[[Any], Test]] = {
    "type": _type,
    "const": lambda wanted: lambda value: same(value, wanted),
    "enum": _one_of,
    "minimum": lambda low: _of(_NUMBER, lambda value: value >= low),
    "maximum": lambda high: _of(_NUMBER, lambda value: value <= high),
    "minLength": lambda low: _of(str, lambda value: len(value) >= low),
    "maxLength": lambda high: _of(str, lambda value: len(value) <= high),
    "pattern": _pattern,
    "minItems": lambda low: _of(list, lambda value: len(value) >= low),
    "maxItems": lambda high: _of(list, lambda value: len(value) <= high),
    "minProperties": lambda low: _of(dict, lambda value: len(value) >= low),
    "maxProperties": lambda high: _of(dict, lambda value: len(value) <= high),
    "required": lambda names: _of(dict, lambda value: all(name in value for name in names)),
    "properties": _properties,
    "items": _items,
    "contains": _contains,
    "not": _not,
}
