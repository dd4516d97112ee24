"""Validation of requests: the contract's schemas, and the service's words for what breaks them.

An emulator examines requests by a copy of the schemas that is its own, so that a mutant can relax or tighten one
keyword of it.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.contract.constraint import request_bodies, request_queries
from conformance.contract.examination import Fault, examine_schema
from conformance.contract.operation import Operation
from conformance.contract.schema import Schema, compiled
from conformance.emulator.refusal import Refusal, bad, not_json
from conformance.model.json import ABSENT, at, is_integer, parts

_DEEPEST = 200
_LARGEST = 32 * 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a decimal",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


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


def read_body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
    """The JSON of a request body, or `ABSENT` where an operation may do without."""
    if operation.body is None:
        return ABSENT
    if len(raw) > _LARGEST:
        raise Refusal(413, "The request body is too large.")
    if not raw.strip():
        if operation.body_required:
            return _nothing(operation)
        return ABSENT
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise bad(
            f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.",
            None,
            "unsupported_content_type",
        )
    return parse(raw)


def _nothing(operation: Operation) -> Any:
    required = compiled(f"requests/{operation.body}", operation.name).get("required")
    if required:
        raise _missing(required[0])
    raise not_json("it is empty")


def parse(raw: bytes) -> Any:
    """The value of a JSON text; whatever cannot be answered in JSON again is refused."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise not_json("it is not UTF-8") from None
    except RecursionError:
        raise not_json("it is nested too deeply") from None
    except ValueError as error:
        raise not_json(str(error)) from None
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise not_json("it is nested too deeply")
    if b"\\u" in raw and any(_SURROGATE.search(text) for text in _strings(value)):
        raise not_json("a string holds half of a surrogate pair")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is out of range")
    return value


def _depth(value: Any) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(inner, (dict, list)):
            todo += [(member, depth + 1) for member in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest


def _strings(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        inner = todo.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            yield from inner
            todo += inner.values()
        elif isinstance(inner, list):
            todo += inner


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
        if "array" in _types(place):
            query.setdefault(name, []).append(text)
        else:
            query[name] = int(text) if "integer" in _types(place) and re.fullmatch(r"-?\d{1,18}", text) else text
    faults = schemas.judge(schema, query)
    if faults:
        raise refusal_of(min(faults, key=_weight), schema, query)
    return query


def _weight(fault: Fault) -> tuple[int, int]:
    order = ("type", "required", "additionalProperties")
    keyword = fault.constraint.rpartition(".")[2]
    return len(parts(fault.pointer)), order.index(keyword) if keyword in order else len(order)


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
            return _missing(f"{param}.{member}" if param else member)
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


def _missing(param: str) -> Refusal:
    return bad(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def _wrong_type(param: str, fault: Fault) -> str:
    wanted = [kind for kind in _listed(fault.expected) if kind != "null"] or ["null"]
    nouns = [_NOUNS.get(str(kind), str(kind)) for kind in wanted]
    expected = nouns[0] if len(nouns) == 1 else "one of " + " or ".join(nouns)
    return f"Invalid type for '{param}': expected {expected}, but got {_noun(fault.actual)} instead."


def _out_of_range(param: str, keyword: str, fault: Fault, schema: Schema) -> Refusal:
    above = keyword == "maximum"
    kind = "integer" if "integer" in _types(_place(schema, fault)) else "decimal"
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
        if isinstance(place, Mapping):
            if place.get("x-at") == where and "type" in place:
                return dict(place)
            todo += place.values()
        elif isinstance(place, list):
            todo += place
    return {}


def _types(place: Mapping[str, Any]) -> list[str]:
    wanted = place.get("type", [])
    return [wanted] if isinstance(wanted, str) else list(wanted)


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
