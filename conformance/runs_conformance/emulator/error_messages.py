"""The error messages of the real service for schema violations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.emulator.api_errors import ApiError, bad_request, missing_parameter
from runs_conformance.model.json import at, is_integer, pointer_tokens

_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a decimal",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def error_for(violation: SchemaViolation, schema: Schema, value: Any) -> ApiError:
    """The API error for a violation: message, parameter and code in the service's wording."""
    keyword = violation.constraint.rpartition(".")[2]
    param = _param(violation.pointer, value)
    if violation.constraint.endswith(".propertyNames.maxLength"):
        return bad_request(
            f"Invalid '{param}': property name too long. Expected a property name with maximum length "
            f"{violation.expected}, but got a property name with length {_length(violation.actual)} instead.",
            param,
            "property_name_above_max_length",
        )
    match keyword:
        case "required":
            member = violation.member or str(violation.expected)
            return missing_parameter(f"{param}.{member}" if param else member)
        case "additionalProperties":
            name = f"{param}.{violation.member}" if param else str(violation.member)
            return bad_request(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        case "type":
            return bad_request(_wrong_type(param, violation), param or None, "invalid_type")
        case "enum" | "const":
            allowed = _join_with_and([_quote(item) for item in _as_list(violation.expected) if item is not None])
            return bad_request(
                f"Invalid value: {_quote(violation.actual)}. Supported values are: {allowed}.", param, "invalid_value"
            )
        case "minimum" | "maximum":
            return _out_of_range(param, keyword, violation, schema)
        case "not":
            code = "mutually_exclusive_parameters"
            return bad_request(f"Invalid '{param}': mutually exclusive parameters.", param or None, code)
        case "pattern":
            return bad_request(
                f"Invalid '{param}': string does not match pattern. "
                f"Expected a string that matches the pattern '{violation.expected}'.",
                param,
                "invalid_value",
            )
        case _:
            return _wrong_size(param, keyword, violation)


def _wrong_type(param: str, violation: SchemaViolation) -> str:
    types = [kind for kind in _as_list(violation.expected) if kind != "null"] or ["null"]
    nouns = [_NOUNS.get(str(kind), str(kind)) for kind in types]
    expected = nouns[0] if len(nouns) == 1 else "one of " + " or ".join(nouns)
    return f"Invalid type for '{param}': expected {expected}, but got {_noun(violation.actual)} instead."


def _out_of_range(param: str, keyword: str, violation: SchemaViolation, schema: Schema) -> ApiError:
    is_maximum = keyword == "maximum"
    kind = "integer" if "integer" in allowed_types(_schema_node(schema, violation)) else "decimal"
    bound, sign = ("above maximum", "<=") if is_maximum else ("below minimum", ">=")
    return bad_request(
        f"Invalid '{param}': {kind} {bound} value. "
        f"Expected a value {sign} {violation.expected}, but got {violation.actual} instead.",
        param,
        f"{kind}_{'above_max' if is_maximum else 'below_min'}_value",
    )


_SIZES = {
    "maxLength": ("string", "long", "maximum", "above_max"),
    "minLength": ("string", "short", "minimum", "below_min"),
    "maxItems": ("array", "long", "maximum", "above_max"),
    "minItems": ("array", "short", "minimum", "below_min"),
}


def _wrong_size(param: str, keyword: str, violation: SchemaViolation) -> ApiError:
    size = _length(violation.actual)
    if keyword not in _SIZES:
        is_maximum = keyword == "maxProperties"
        word, most, code = ("many", "most", "above_max") if is_maximum else ("few", "least", "below_min")
        return bad_request(
            f"Invalid '{param}': too {word} properties. Expected an object with at {most} {violation.expected} "
            f"properties, but got an object with {size} properties instead.",
            param,
            f"object_{code}_properties",
        )
    kind, word, bound, code = _SIZES[keyword]
    noun = _NOUNS[kind]
    actual = f"{noun} with length {size}" if size else f"an empty {kind}"
    return bad_request(
        f"Invalid '{param}': {kind} too {word}. "
        f"Expected {noun} with {bound} length {violation.expected}, but got {actual} instead.",
        param,
        f"{kind}_{code}_length",
    )


def _schema_node(schema: Schema, violation: SchemaViolation) -> Schema:
    at_constraint = violation.constraint.rpartition(".")[0]
    todo: list[Any] = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if node.get("x-at") == at_constraint and "type" in node:
                return node
            todo += node.values()
        elif isinstance(node, list):
            todo += node
    return {}


def _param(pointer: str, value: Any) -> str:
    text = ""
    for token in pointer_tokens(pointer):
        is_index = isinstance(value, list) and token.isdecimal()
        text += f"[{token}]" if is_index else f".{token}" if text else token
        value = at(value, "/" + token.replace("~", "~0").replace("/", "~1"))
    return text


def _noun(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if is_integer(value):
        return "an integer"
    if isinstance(value, float):
        return "a decimal"
    return "an object" if isinstance(value, Mapping) else "an array"


def _quote(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"'{text if len(text) <= 80 else text[:77] + '...'}'"


def _join_with_and(items: list[str]) -> str:
    if len(items) < 3:
        return " and ".join(items)
    return ", ".join(items[:-1]) + ", and " + items[-1]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, Sequence, Mapping)) else 0
