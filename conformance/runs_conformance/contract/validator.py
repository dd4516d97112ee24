"""Validators: each compiled schema as a tree of small functions that check a value keyword by keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from runs_conformance.contract.json_type import (
    JSON_TYPES,
    accepted_types,
    allowed_types,
    describe_types,
    discriminator_of,
    json_type_of,
)
from runs_conformance.contract.keywords import ASSERTIONS, CONSTRAINT_KEYWORDS
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import Location, ValidationResult
from runs_conformance.errors import InternalError
from runs_conformance.model.json import ABSENT
from runs_conformance.model.text import in_words, truncate

_APPLICATORS = {"properties", "items", "propertyNames", "oneOf"}
_ANNOTATIONS = {"title", "description", "default", "format", "examples", "deprecated"}
_NUMERIC = ("integer", "number")
_MAX_SHOWN = 1_000
"""Number of characters or entries after which a message truncates a value."""

Validator = Callable[[Any, Location, ValidationResult], None]


def compile_validator(schema: Schema) -> Validator:
    """The function that checks a value against a compiled schema and everything below it.

    Raises InternalError for a schema with a keyword that no validator implements.
    """
    at = schema.get("x-at", "")
    unknown = {key for key in schema if not key.startswith("x-")}
    unknown -= {*CONSTRAINT_KEYWORDS, *_APPLICATORS, *_ANNOTATIONS}
    if unknown:
        raise InternalError(f"{at or 'a schema'} uses {', '.join(sorted(unknown))}, which no validator implements")
    if "oneOf" in schema:
        return _union(schema, at)
    allowed, accepted = allowed_types(schema), accepted_types(schema)
    type_id = f"{at}.type"
    plans = {json_type: _plan(schema, at, json_type) for json_type in (accepted if allowed else JSON_TYPES)}

    def check(value: Any, location: Location, result: ValidationResult) -> None:
        plan = plans.get(json_type_of(value))
        if plan is None:
            result.checked.append(type_id)
            message = f"{at} is {_shorten(value)}, not {describe_types(allowed)}"
            result.add(type_id, location, message, allowed if len(allowed) > 1 else allowed[0], value)
            return
        ids, assertions, validators = plan
        result.checked.extend(ids)
        for satisfies, report in assertions:
            if not satisfies(value):
                report(value, location, result)
        for validator in validators:
            validator(value, location, result)

    return check


class _Plan(NamedTuple):
    """The checks of values of one JSON type: the ids of all assertions, each with its report, and other validators."""

    ids: tuple[str, ...]
    assertions: tuple[tuple[Callable[[Any], bool], Validator], ...]
    validators: tuple[Validator, ...]


def _plan(schema: Schema, at: str, json_type: str) -> _Plan:
    ids = [f"{at}.type"] if allowed_types(schema) else []
    assertions: list[tuple[Callable[[Any], bool], Validator]] = []
    keywords = [keyword for keyword in ASSERTIONS if keyword in schema]
    # Those that apply to any type come first.
    for keyword in sorted(keywords, key=lambda keyword: bool(ASSERTIONS[keyword].applies_to)):
        applies_to = ASSERTIONS[keyword].applies_to
        if not applies_to or json_type in applies_to:
            ids.append(f"{at}.{keyword}")
            assertions.append((ASSERTIONS[keyword].bind(schema[keyword]), _report(keyword, schema[keyword], at)))
    validators: list[Validator] = [_not(schema["not"], at)] if "not" in schema else []
    if json_type == "object" and (members := _members(schema, at)):
        validators.append(members)
    if json_type == "array" and "items" in schema:
        validators.append(_items(compile_validator(schema["items"])))
    return _Plan(tuple(ids), tuple(assertions), tuple(validators))


def _report(keyword: str, expected: Any, at: str) -> Validator:
    """Records that a value violates a keyword."""
    assertion = ASSERTIONS[keyword]
    id_ = f"{at}.{keyword}"

    def report(value: Any, location: Location, result: ValidationResult) -> None:
        message = assertion.message.format(
            at=at,
            value=_shorten(value),
            expected=expected,
            alternatives=_join(expected) if isinstance(expected, list) else "",
            length=len(value) if isinstance(value, (str, Sequence, Mapping)) else 0,
        )
        result.add(id_, location, message, expected, value)

    return report


def _not(excluded: Schema, at: str) -> Validator:
    inner = compile_validator(excluded)
    id_ = f"{at}.not"

    def check(value: Any, location: Location, result: ValidationResult) -> None:
        result.checked.append(id_)
        trial = ValidationResult()
        inner(value, location, trial)
        if trial.valid:
            members = " and ".join(excluded.get("required", ["members"]))
            message = f"{at} has {members}, which exclude each other"
            result.add(id_, location, message, {"not": excluded}, value)

    return check


def _items(inner: Validator) -> Validator:
    def check(value: Any, location: Location, result: ValidationResult) -> None:
        for index, item in enumerate(value):
            inner(item, (location, index), result)

    return check


def _members(schema: Schema, at: str) -> Validator | None:
    """The validator of an object's members: the required ones, the allowed ones, and the value of each."""
    required = [(member, f"{at}.{member}.required") for member in schema.get("required", ())]
    required_ids = [id_ for _, id_ in required]
    properties = {name: compile_validator(sub) for name, sub in schema.get("properties", {}).items()}
    names = compile_validator(schema["propertyNames"]) if "propertyNames" in schema else None
    additional = schema.get("additionalProperties", True)
    others = compile_validator(additional) if isinstance(additional, dict) else None
    closed_id = f"{at}.additionalProperties" if additional is False else None
    halves = [
        (name, sub["x-atMostHalfOf"], f"{sub.get('x-at', '')}.maximum")
        for name, sub in schema.get("properties", {}).items()
        if "x-atMostHalfOf" in sub
    ]
    if not (required or properties or names or others or closed_id):
        return None

    def check(value: Any, location: Location, result: ValidationResult) -> None:
        result.checked.extend(required_ids)
        for member, id_ in required:
            if member not in value:
                result.add(id_, location, f"{at}.{member} is missing", member, ABSENT, member)
        if closed_id:
            result.checked.append(closed_id)
        for member, inner in value.items():
            if names:
                names(member, (location, member), result)
            validator = properties.get(member)
            if validator:
                validator(inner, (location, member), result)
            elif closed_id:
                message = f"{member!r} is not a member of {at}"
                result.add(closed_id, location, message, ABSENT, member, member)
            elif others:
                others(inner, (location, member), result)
        for member, whole, id_ in halves:
            _check_at_most_half(value.get(member), value.get(whole), (location, member), id_, result)

    return check


def _check_at_most_half(part: Any, whole: Any, location: Location, id_: str, result: ValidationResult) -> None:
    if json_type_of(part) in _NUMERIC and json_type_of(whole) in _NUMERIC:
        result.checked.append(id_)
        if part * 2 > whole:
            message = f"{id_.removesuffix('.maximum')} is {part}, more than half of {whole}"
            result.add(id_, location, message, whole / 2, part)


def _union(schema: Schema, at: str) -> Validator:
    """The validator of a union: selects the branch by the value's JSON type, then by the discriminator if any."""
    branches = [(accepted_types(branch), compile_validator(_without_type(branch))) for branch in schema["oneOf"]]
    allowed = allowed_types(schema)
    type_id = f"{at}.type"
    discriminated = _compile_discriminated(schema, at)

    def check(value: Any, location: Location, result: ValidationResult) -> None:
        result.checked.append(type_id)
        json_type = json_type_of(value)
        if json_type == "object" and discriminated:
            discriminated(value, location, result)
            return
        for accepted, validator in branches:
            if json_type in accepted:
                validator(value, location, result)
                return
        result.add(type_id, location, f"{at} is {_shorten(value)}, not {describe_types(allowed)}", allowed, value)

    return check


def _compile_discriminated(schema: Schema, at: str) -> Validator | None:
    discriminator = discriminator_of(schema)
    if discriminator is None:
        return None
    member, values = discriminator
    required_id, enum_id = f"{at}.{member}.required", f"{at}.{member}.enum"
    objects = [branch for branch in schema["oneOf"] if "properties" in branch]
    validators = [compile_validator(_without_discriminator(branch, member)) for branch in objects]
    by_value = dict(zip(values, validators, strict=True))

    def check(value: Any, location: Location, result: ValidationResult) -> None:
        result.checked.append(required_id)
        if member not in value:
            result.add(required_id, location, f"{at}.{member} is missing", member, ABSENT, member)
            return
        result.checked.append(enum_id)
        actual = value[member]
        validator = by_value.get(actual) if isinstance(actual, str) else None
        if validator:
            validator(value, location, result)
            return
        message = f"{at}.{member} is {_shorten(actual)}, not one of {_join(values)}"
        result.add(enum_id, (location, member), message, list(values), actual)

    return check


def _without_type(branch: Schema) -> Schema:
    """The branch without its type, which is checked once for the whole union."""
    return {key: value for key, value in branch.items() if key != "type"}


def _without_discriminator(branch: Schema, member: str) -> Schema:
    """The branch without the constraints that the union has checked; closed objects still allow the discriminator."""
    out = _without_type(branch)
    out["required"] = [name for name in branch.get("required", ()) if name != member]
    out["properties"] = {**branch["properties"], member: {}}
    return out


def _shorten(value: Any, limit: int = 80) -> str:
    return truncate(in_words(_beginning(value)), limit)


def _beginning(value: Any) -> Any:
    """The part of a large value whose text is long enough to be shortened: one entry is at least one character."""
    if len(value) <= _MAX_SHOWN if isinstance(value, (str, list, dict)) else True:
        return value
    return dict(islice(value.items(), _MAX_SHOWN)) if isinstance(value, dict) else value[:_MAX_SHOWN]


def _join(values: Sequence[Any]) -> str:
    texts = ["null" if value is None else str(value) for value in values]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " or " + texts[-1]
