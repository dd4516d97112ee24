"""The service's words for what is wrong with a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import Fault, types_of
from runs_conformance.emulator.refusal import Refusal, bad, missing
from runs_conformance.model.json import at, is_integer, parts

_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a decimal",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def refusal_of(fault: Fault, schema: Schema, value: Any) -> Refusal:
    """The service's refusal of a fault: its wording, the parameter, and the code."""
    keyword = fault.constraint.rpartition(".")[2]
    param = _param(fault.pointer, value)
    if fault.constraint.endswith(".propertyNames.maxLength"):
        return bad(
            f"Invalid '{param}': property name too long. Expected a property name with maximum length "
            f"{fault.expected}, but got a property name with length {_length(fault.actual)} instead.",
            param,
            "property_name_above_max_length",
        )
    match keyword:
        case "required":
            member = fault.member or str(fault.expected)
            return missing(f"{param}.{member}" if param else member)
        case "additionalProperties":
            name = f"{param}.{fault.member}" if param else str(fault.member)
            return bad(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        case "type":
            return bad(_wrong_type(param, fault), param or None, "invalid_type")
        case "enum" | "const":
            allowed = _enumeration([_quoted(item) for item in _listed(fault.expected) if item is not None])
            return bad(
                f"Invalid value: {_quoted(fault.actual)}. Supported values are: {allowed}.", param, "invalid_value"
            )
        case "minimum" | "maximum":
            return _out_of_range(param, keyword, fault, schema)
        case "not":
            code = "mutually_exclusive_parameters"
            return bad(f"Invalid '{param}': mutually exclusive parameters.", param or None, code)
        case "pattern":
            return bad(
                f"Invalid '{param}': string does not match pattern. "
                f"Expected a string that matches the pattern '{fault.expected}'.",
                param,
                "invalid_value",
            )
        case _:
            return _wrong_size(param, keyword, fault)


def _wrong_type(param: str, fault: Fault) -> str:
    wanted = [kind for kind in _listed(fault.expected) if kind != "null"] or ["null"]
    nouns = [_NOUNS.get(str(kind), str(kind)) for kind in wanted]
    expected = nouns[0] if len(nouns) == 1 else "one of " + " or ".join(nouns)
    return f"Invalid type for '{param}': expected {expected}, but got {_noun(fault.actual)} instead."


def _out_of_range(param: str, keyword: str, fault: Fault, schema: Schema) -> Refusal:
    above = keyword == "maximum"
    kind = "integer" if "integer" in types_of(_place(schema, fault)) else "decimal"
    where, sign = ("above maximum", "<=") if above else ("below minimum", ">=")
    return bad(
        f"Invalid '{param}': {kind} {where} value. "
        f"Expected a value {sign} {fault.expected}, but got {fault.actual} instead.",
        param,
        f"{kind}_{'above_max' if above else 'below_min'}_value",
    )


_SIZES = {
    "maxLength": ("string", "long", "maximum", "above_max"),
    "minLength": ("string", "short", "minimum", "below_min"),
    "maxItems": ("array", "long", "maximum", "above_max"),
    "minItems": ("array", "short", "minimum", "below_min"),
}


def _wrong_size(param: str, keyword: str, fault: Fault) -> Refusal:
    size = _length(fault.actual)
    if keyword not in _SIZES:
        many = keyword == "maxProperties"
        word, most, code = ("many", "most", "above_max") if many else ("few", "least", "below_min")
        return bad(
            f"Invalid '{param}': too {word} properties. Expected an object with at {most} {fault.expected} properties, "
            f"but got an object with {size} properties instead.",
            param,
            f"object_{code}_properties",
        )
    kind, word, bound, code = _SIZES[keyword]
    noun = _NOUNS[kind]
    got = f"{noun} with length {size}" if size else f"an empty {kind}"
    return bad(
        f"Invalid '{param}': {kind} too {word}. "
        f"Expected {noun} with {bound} length {fault.expected}, but got {got} instead.",
        param,
        f"{kind}_{code}_length",
    )


def _place(schema: Schema, fault: Fault) -> Schema:
    where = fault.constraint.rpartition(".")[0]
    todo: list[Any] = [schema]
    while todo:
        place = todo.pop()
        if isinstance(place, dict):
            if place.get("x-at") == where and "type" in place:
                return place
            todo += place.values()
        elif isinstance(place, list):
            todo += place
    return {}


def _param(pointer: str, value: Any) -> str:
    text = ""
    for token in parts(pointer):
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


def _quoted(value: Any) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"'{shown if len(shown) <= 80 else shown[:77] + '...'}'"


def _enumeration(items: list[str]) -> str:
    if len(items) < 3:
        return " and ".join(items)
    return ", ".join(items[:-1]) + ", and " + items[-1]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, Sequence, Mapping)) else 0
