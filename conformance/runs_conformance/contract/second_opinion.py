"""A second opinion on the validity of a value, from the `jsonschema` library, which shares no code with our validator.

The suite asks for it before it sends an invalid request and before it reports a violation, so that an error in our
validator or generators is reported as ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from runs_conformance.contract.constraint import body_documents, query_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.keywords import CONSTRAINT_KEYWORDS
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.short_repr import with_short_repr
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.json import JSON, Absent, pointer_tokens

Place = tuple[str, ...]
"""The tokens of a JSON Pointer."""

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?")


MAX_ERRORS = 1_000
"""Errors in a value, and violations in an error, that are looked at: a response may have a million of them."""

MAX_CHECKED, MAX_CHECKED_PARTS = 10_000, 500
"""Members and items that `jsonschema` checks, of a value with all that is in it and of one object or array.

It keeps all errors of all items of an array in a union, each of some kilobytes.
"""


@dataclass(frozen=True, slots=True)
class IndependentError:
    """One error of `jsonschema`: its place, and the violated constraints, each with the place of the violation.

    An error of a union stands for all violations in its branches, or in the branch that a discriminator selects.
    """

    place: Place
    violations: frozenset[tuple[str, Place]]


def is_valid_by_jsonschema(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> bool:
    """Whether a value satisfies the document `name` of an edition according to `jsonschema`."""
    return bool(_validator(name, prefix, edition).is_valid(with_short_repr(value)))


def is_checkable(value: JSON) -> bool:
    """Whether a value has at most `MAX_CHECKED` members and items, and each part of it at most `MAX_CHECKED_PARTS`."""
    count, pending = 0, [value]
    while pending:
        part = pending.pop()
        parts = part.values() if isinstance(part, Mapping) else part if isinstance(part, (list, tuple)) else ()
        count += len(parts)
        if count > MAX_CHECKED or len(parts) > MAX_CHECKED_PARTS:
            return False
        pending += parts
    return True


def independent_errors(
    name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION
) -> tuple[IndependentError, ...]:
    """The first errors that `jsonschema` finds in a value, at most `MAX_ERRORS`."""
    errors = _validator(name, prefix, edition).iter_errors(with_short_repr(value))
    return tuple(_independent_error(error) for error in islice(errors, MAX_ERRORS))


def request_errors(
    operation: str, body: JSON | Absent, query: Iterable[tuple[str, str]], edition: str
) -> tuple[IndependentError, ...]:
    """The errors that `jsonschema` finds in the body and in the query of a request."""
    errors: tuple[IndependentError, ...] = ()
    if operation in body_documents() and not isinstance(body, Absent):
        errors += independent_errors(body_documents()[operation], operation, body, edition)
    if operation in query_documents():
        document = query_documents()[operation]
        errors += independent_errors(document, operation, _read_query(document, operation, query, edition), edition)
    return errors


def confirms_violation(constraint: str, pointer: str, errors: Sequence[IndependentError]) -> bool:
    """Whether one of the errors is the violation of a constraint at the place that a JSON Pointer names.

    A value with more errors than are looked at confirms every violation.
    """
    violation = constraint, tuple(pointer_tokens(pointer))
    is_truncated = len(errors) >= MAX_ERRORS or any(len(error.violations) >= MAX_ERRORS for error in errors)
    return is_truncated or any(violation in error.violations for error in errors)


def confirms_mutation(constraint: str, pointer: str, errors: Sequence[IndependentError]) -> bool:
    """Whether errors show that a request with one mutated place violates a constraint there, and nothing elsewhere.

    Without the id of a constraint, any violation at that place is enough.
    """
    mutated = tuple(pointer_tokens(pointer))
    found = [(error, violations) for error in errors if (violations := _near(mutated, error))]
    violated = {id_ for _, violations in found for id_ in violations}
    return len(found) == len(errors) and (constraint in violated if constraint else bool(found))


def is_meant_invalid(step: Step) -> bool:
    """Whether a step is sent to violate its schema by one mutation."""
    mutation = step.mutation
    return (
        step.role is Role.NEGATIVE
        and step.raw is None
        and mutation is not None
        and mutation.place in ("body", "query")
        and mutation.keyword in CONSTRAINT_KEYWORDS
    )


def is_mutation_confirmed(step: Step, errors: Sequence[IndependentError]) -> bool:
    """Whether these errors of a step's request are those that its mutation was to cause."""
    mutation = step.mutation
    pointer = mutation.pointer if mutation is not None else ""
    if mutation is not None and mutation.place == "query":
        pointer = pointer.removesuffix("[]")
    return all(confirms_mutation(id_, pointer, errors) for id_ in step.exercises or ("",))


def require_invalid(step: Step, edition: str) -> None:
    """Raise InternalError if a step that is meant to be invalid is valid, or invalid elsewhere than it says."""
    if is_meant_invalid(step):
        body = step.body if isinstance(step.body, Absent) else _without_references(step.body)
        query = [(name, str(value)) for name, value in step.query]
        if not is_mutation_confirmed(step, request_errors(step.operation, body, query, edition)):
            subject = ", ".join(step.exercises) or step.operation
            raise InternalError(f"the validators disagree on the negative of {subject}")


def _without_references(value: object) -> Any:
    """The value with texts in place of its references, as which the target supplies them."""
    if isinstance(value, Ref):
        return value.pointer
    if isinstance(value, Mapping):
        return {name: _without_references(member) for name, member in value.items()}
    return [_without_references(item) for item in value] if isinstance(value, (list, tuple)) else value


def _near(mutated: Place, error: IndependentError) -> set[str]:
    """The constraints that an error may say are violated at a place, around it or within it."""
    return {id_ for id_, place in error.violations if place[: len(mutated)] == mutated[: len(place)]}


def _independent_error(error: Any) -> IndependentError:
    return IndependentError(_path(error), frozenset(islice(_violations(error), MAX_ERRORS)))


def _path(error: Any) -> Place:
    return tuple(str(token) for token in error.absolute_path)


def _violations(error: Any, union_place: str = "") -> Iterator[tuple[str, Place]]:
    """The violated constraints with their places. `union_place` is the place of the union that has this branch."""
    at, path = error.schema.get("x-at"), _path(error)
    match error.validator:
        case "oneOf":
            branches = _selected_branches(error)
            if not branches:
                yield f"{at}.type", path
            for inner in branches:
                yield from _violations(inner, at)
        case "required":
            yield from ((f"{at}.{name}.required", (*path, name)) for name in _missing(error))
        case "additionalProperties":
            known = error.schema.get("properties", {})
            yield from ((f"{at}.additionalProperties", (*path, name)) for name in error.instance if name not in known)
        case "const" if at is None:
            # Only the discriminator of a union's branch has no place of its own.
            yield f"{union_place}.{path[-1]}.enum", path
        case keyword if str(at).endswith(".propertyNames"):
            yield f"{at}.{keyword}", (*path, str(error.instance))
        case keyword:
            yield f"{at}.{keyword}", path


def _missing(error: Any) -> list[str]:
    return [name for name in error.validator_value if name not in error.instance]


def _selected_branches(error: Any) -> list[Any]:
    """The errors of the branches of a union that a value may be meant for: those of its JSON type and discriminator.

    If it has no branch's discriminator, these are the errors of all branches of its type; if it has no branch's type,
    there are none.
    """
    by_branch: dict[int, list[Any]] = {}
    for inner in error.context:
        by_branch.setdefault(inner.schema_path[0], []).append(inner)
    of_type = [errors for errors in by_branch.values() if not any(_is_about(error, each, "type") for each in errors)]
    selected = [errors for errors in of_type if not any(_is_discriminator(each) for each in errors)]
    return [each for errors in selected or of_type for each in errors]


def _is_about(union: Any, error: Any, keyword: str) -> bool:
    """Whether an error concerns the value of a union itself."""
    return error.validator == keyword and len(error.absolute_path) == len(union.absolute_path)


def _is_discriminator(error: Any) -> bool:
    return error.validator == "const" and "x-at" not in error.schema


def _read_query(document: str, operation: str, query: Iterable[tuple[str, str]], edition: str) -> dict[str, JSON]:
    """The values of a query by the name of their parameter: `include[]=x` as an array, `limit=5` as a number."""
    parameters = compile_schema(document, operation, edition)["properties"]
    values: dict[str, JSON] = {}
    for key, text in query:
        name = key.removesuffix("[]")
        schema: Schema = parameters.get(name, {})
        if schema.get("type") == "array":
            earlier = values.get(name)
            values[name] = [*(earlier if isinstance(earlier, list) else []), text]
        else:
            values[name] = _read_number(text) if schema.get("type") in ("integer", "number") else text
    return values


def _read_number(text: str) -> JSON:
    """The number that a text states; the text itself if it states none."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    return float(text) if match[2] else int(text)


@cache
def _validator(name: str, prefix: str, edition: str) -> Any:
    # Imported only when it is needed: the import takes longer than the judging of a recording.
    from jsonschema import Draft202012Validator, ValidationError, validators

    known: Any = Draft202012Validator.VALIDATORS

    def pattern(validator: Any, expected: str, instance: Any, schema: Any) -> Iterator[Any]:
        # `$` matches only at the very end in JSON Schema; `jsonschema` lets a final newline follow.
        if validator.is_type(instance, "string") and not re.search(re.sub(r"\$$", r"\\Z", expected), instance):
            yield ValidationError(f"{instance!r} does not match {expected!r}")

    def properties(validator: Any, members: Any, instance: Any, schema: Any) -> Iterator[Any]:
        yield from known["properties"](validator, members, instance, schema)
        # JSON Schema cannot compare two members.
        bounded = [(name, inner) for name, inner in members.items() if "x-atMostHalfOf" in inner]
        for name, inner in bounded if validator.is_type(instance, "object") else ():
            part, whole = instance.get(name), instance.get(inner["x-atMostHalfOf"])
            if validator.is_type(part, "number") and validator.is_type(whole, "number") and part > whole / 2:
                yield ValidationError("more than half", validator="maximum", path=(name,), schema=inner)

    extend: Any = validators.extend
    exact = extend(Draft202012Validator, {"pattern": pattern, "properties": properties})
    return exact(compile_schema(name, prefix, edition))
