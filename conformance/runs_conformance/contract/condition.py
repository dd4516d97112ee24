"""Conditions: small schemas, compiled to functions that say whether a value satisfies them.

They are JSON Schema, limited to the keywords that `x-implementation-defined` uses, and `x-listed`, which compares two
places of a value. Random payloads are tested against hundreds of thousands of them, which a general validator is too
slow for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runs_conformance.contract.json_type import accepted_types, json_type_of
from runs_conformance.contract.keywords import ASSERTIONS
from runs_conformance.errors import InternalError
from runs_conformance.model.json import ABSENT, at, is_array

Condition = Callable[[Any], bool]


def compile_condition(schema: Mapping[str, Any]) -> Condition:
    """A function that says whether a value satisfies a schema. Raises InternalError for an unsupported keyword."""
    unknown = schema.keys() - ASSERTIONS.keys() - _APPLICATORS.keys() - {"if", "then", "else"}
    if unknown:
        raise InternalError(f"conditions do not support {', '.join(sorted(unknown))}")
    conditions = [_compile_keyword(key, value) for key, value in schema.items() if key not in ("if", "then", "else")]
    if "if" in schema:
        branches = (compile_condition(schema.get(key, {})) for key in ("if", "then", "else"))
        conditions.append(_conditional(*branches))
    if len(conditions) == 1:
        return conditions[0]
    return lambda value: all(condition(value) for condition in conditions)


def _compile_keyword(key: str, value: Any) -> Condition:
    if key in _APPLICATORS:
        return _APPLICATORS[key](value)
    assertion = ASSERTIONS[key]
    predicate = assertion.bind(value)
    return _for_types(assertion.applies_to, predicate) if assertion.applies_to else predicate


def _for_types(types: tuple[str, ...], condition: Condition) -> Condition:
    """The condition for values of these JSON types; others satisfy it."""
    return lambda value: json_type_of(value) not in types or condition(value)


def _conditional(condition: Condition, then: Condition, otherwise: Condition) -> Condition:
    return lambda value: then(value) if condition(value) else otherwise(value)


def _type(stated: Any) -> Condition:
    accepted = accepted_types({"type": stated})
    return lambda value: json_type_of(value) in accepted


def _compile_required(names: list[str]) -> Condition:
    return _for_types(("object",), lambda value: all(name in value for name in names))


def _properties(schemas: Mapping[str, Any]) -> Condition:
    members = [(name, compile_condition(schema)) for name, schema in schemas.items()]
    return _for_types(
        ("object",), lambda value: all(condition(value[name]) for name, condition in members if name in value)
    )


def _items(schema: Mapping[str, Any]) -> Condition:
    condition = compile_condition(schema)
    return _for_types(("array",), lambda value: all(map(condition, value)))


def _contains(schema: Mapping[str, Any]) -> Condition:
    condition = compile_condition(schema)
    return _for_types(("array",), lambda value: any(map(condition, value)))


def _not(schema: Mapping[str, Any]) -> Condition:
    condition = compile_condition(schema)
    return lambda value: not condition(value)


def _compile_listed(lists: Mapping[str, str]) -> Condition:
    """The condition that the value at each pointer, if there is one, occurs among those at the other pointer."""
    return lambda value: all(
        (named := at(value, pointer)) is ABSENT or named in listed_values(value, places)
        for pointer, places in lists.items()
    )


def listed_values(value: Any, places: str) -> Iterator[Any]:
    """The values at a pointer in which `*` stands for every item of an array."""
    start, wildcard, rest = places.partition("/*")
    found = at(value, start)
    if not wildcard:
        yield from () if found is ABSENT else (found,)
    elif is_array(found):
        for item in found:
            yield from listed_values(item, rest)


_APPLICATORS: Mapping[str, Callable[[Any], Condition]] = {
    "type": _type,
    "required": _compile_required,
    "properties": _properties,
    "items": _items,
    "contains": _contains,
    "not": _not,
    "x-listed": _compile_listed,
}
