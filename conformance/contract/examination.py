"""Examining a value against a place of the contract: which constraints were looked at, and which it breaks.

The keywords are judged by the `jsonschema` library; what is added here is the book-keeping: every keyword that
applies counts as looked at, under its constraint id, and a union is judged by the branch that its JSON type and
discriminator name, so that a fault is reported where it is and not as "not valid under any of the given schemas".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from conformance.contract.edition import DEFAULT_EDITION
from conformance.contract.schema import Schema, compiled
from conformance.model.json import ABSENT, JSON, Absent, pointer

_APPLIES: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: True,
    "enum": lambda value: True,
    "const": lambda value: True,
    "minimum": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "maximum": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "minLength": lambda value: isinstance(value, str),
    "maxLength": lambda value: isinstance(value, str),
    "pattern": lambda value: isinstance(value, str),
    "minItems": lambda value: isinstance(value, Sequence) and not isinstance(value, str),
    "maxItems": lambda value: isinstance(value, Sequence) and not isinstance(value, str),
    "maxProperties": lambda value: isinstance(value, Mapping),
    "minProperties": lambda value: isinstance(value, Mapping),
    "not": lambda value: True,
}
KEYWORDS = (*_APPLIES, "required", "additionalProperties")
"""The keywords that make constraints."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One constraint that a value breaks. `pointer` is where: for `required` and `additionalProperties` the object,
    not the member.
    """

    constraint: str
    pointer: str
    message: str
    expected: JSON | Absent = ABSENT
    actual: JSON | Absent = ABSENT
    member: str | None = None


@dataclass(slots=True)
class Examination:
    """What examining a value showed: how often each constraint was looked at, and the faults."""

    judged: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether the value keeps every constraint."""
        return not self.faults


_judged: ContextVar[Counter[str]] = ContextVar("judged")


def examine(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> Examination:
    """Examine a value against the document `name`; constraint ids begin with `prefix`."""
    return examine_schema(compiled(name, prefix, edition), value)


def examine_schema(schema: Schema, value: JSON) -> Examination:
    """Examine a value against a compiled schema."""
    examination = Examination()
    token = _judged.set(examination.judged)
    try:
        for error in _validator(schema).iter_errors(value):
            examination.faults.append(_fault(error))
    finally:
        _judged.reset(token)
    return examination


def _fault(error: ValidationError) -> Fault:
    keyword = str(error.validator)
    at = error.schema.get("x-at", "") if isinstance(error.schema, Mapping) else ""
    member = getattr(error, "member", None)
    where = pointer(*error.absolute_path)
    if keyword == "required":
        return Fault(f"{at}.{member}.required", where, f"{_name(at, member)} is missing", member, ABSENT, member)
    if keyword == "additionalProperties":
        return Fault(f"{at}.additionalProperties", where, f"{member!r} is not a member of {at}", ABSENT, member, member)
    constraint = getattr(error, "constraint", None) or f"{at}.{keyword}"
    expected: Any = getattr(error, "wanted", error.validator_value)
    actual: Any = error.instance
    return Fault(constraint, where, f"{at}: {_shorten(error.message)}", expected, actual)


def _name(at: str, member: object) -> str:
    return f"{at}.{member}"


def _shorten(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def _counted(keyword: str, function: Any) -> _Keyword:
    applies = _APPLIES[keyword]

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        at = schema.get("x-at") if isinstance(schema, Mapping) else None
        if at is not None and applies(instance):
            _judged.get()[f"{at}.{keyword}"] += 1
        yield from function(validator, value, instance, schema) or ()

    return check


def _required(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, Mapping):
        return
    at, judged = schema.get("x-at"), _judged.get()
    for member in value:
        if at is not None:
            judged[f"{at}.{member}.required"] += 1
        if member not in instance:
            error = ValidationError(f"{member!r} is a required member")
            error.member = member  # type: ignore[attr-defined]
            yield error


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, Mapping):
        return
    known = schema.get("properties", {})
    at = schema.get("x-at")
    if value is False and at is not None:
        _judged.get()[f"{at}.additionalProperties"] += 1
    for member, inner in instance.items():
        if member in known:
            continue
        if value is False:
            error = ValidationError(f"unknown member {member!r}")
            error.member = member  # type: ignore[attr-defined]
            yield error
        elif isinstance(value, Mapping):
            yield from validator.descend(inner, value, path=member)


def _one_of(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    at, judged = schema.get("x-at", ""), _judged.get()
    judged[f"{at}.type"] += 1
    fitting = [branch for branch in value if _type_fits(validator, branch, instance)]
    if not fitting:
        error = ValidationError(f"{_shorten(repr(instance), 80)} is of none of the types allowed here")
        error.constraint, error.wanted = f"{at}.type", types_of(schema)  # type: ignore[attr-defined]
        yield error
        return
    discriminator = schema.get("x-discriminator")
    if isinstance(instance, Mapping) and discriminator:
        yield from _discriminated(validator, fitting, discriminator, instance, at)
        return
    for branch in fitting[:1]:
        yield from validator.descend(instance, branch)


def _discriminated(
    validator: Any, branches: list[Schema], member: str, instance: Mapping[str, Any], at: str
) -> Iterator[ValidationError]:
    judged = _judged.get()
    judged[f"{at}.{member}.required"] += 1
    if member not in instance:
        error = ValidationError(f"{member!r} is a required member")
        error.constraint = f"{at}.{member}.required"  # type: ignore[attr-defined]
        error.wanted = member  # type: ignore[attr-defined]
        yield error
        return
    judged[f"{at}.{member}.enum"] += 1
    kinds = [branch["properties"][member].get("const") for branch in branches]
    for branch, kind in zip(branches, kinds, strict=True):
        if isinstance(instance[member], str) and kind == instance[member]:
            yield from validator.descend(instance, branch)
            return
    error = ValidationError(f"{_shorten(repr(instance[member]), 80)} is not one of {kinds}", path=[member])
    error.constraint, error.wanted = f"{at}.{member}.enum", kinds  # type: ignore[attr-defined]
    yield error


def _type_fits(validator: Any, branch: Schema, instance: Any) -> bool:
    wanted = branch.get("type", [])
    return any(validator.is_type(instance, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted))


def types_of(schema: Schema) -> list[str]:
    """The JSON types that a place allows, over all branches of a union."""
    if "oneOf" in schema:
        return sorted({kind for branch in schema["oneOf"] for kind in types_of(branch)})
    wanted = schema.get("type", [])
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, Mapping):
        return
    for member, sub in value.items():
        if member not in instance:
            continue
        yield from validator.descend(instance[member], sub, path=member)
        other = instance.get(sub.get("x-atMostHalfOf"))
        if isinstance(other, (int, float)) and isinstance(instance[member], (int, float)):
            constraint = f"{sub['x-at']}.maximum"
            _judged.get()[constraint] += 1
            if instance[member] * 2 > other:
                error = ValidationError(f"{instance[member]} is more than half of {other}", path=[member])
                error.constraint, error.wanted = constraint, other / 2  # type: ignore[attr-defined]
                yield error


_KEYWORD_FUNCTIONS: dict[str, Any] = {
    **{keyword: _counted(keyword, Draft202012Validator.VALIDATORS[keyword]) for keyword in _APPLIES},
    "required": _required,
    "additionalProperties": _additional,
    "oneOf": _one_of,
    "properties": _properties,
}
_Validator: Any = extend(Draft202012Validator, _KEYWORD_FUNCTIONS)  # type: ignore[no-untyped-call]
_cache: dict[int, tuple[Schema, Any]] = {}


def _validator(schema: Schema) -> Any:
    held = _cache.get(id(schema))
    if held is None or held[0] is not schema:
        held = _cache[id(schema)] = (schema, _Validator(schema))
    return held[1]


@cache
def is_valid(name: str, prefix: str, edition: str) -> Callable[[JSON], bool]:
    """A test for whether a value keeps every constraint of a document in an edition."""
    return lambda value: examine(name, prefix, value, edition).valid
