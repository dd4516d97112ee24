"""A second opinion on the validity of a value, from the `jsonschema` library, which shares no code with our validator.

The suite asks for it before it accuses a server, so that an error in our validator is reported as ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compile_schema
from runs_conformance.model.json import JSON, pointer_tokens

Place = tuple[str, ...]
"""The tokens of a JSON Pointer."""

_UNKNOWN_TO_JSONSCHEMA = ("chunk_overlap_tokens.maximum",)
"""Constraints that JSON Schema cannot state: the ends of their ids."""


def can_judge(constraint: str) -> bool:
    """Whether `jsonschema` knows the keyword of a constraint."""
    return not constraint.endswith(_UNKNOWN_TO_JSONSCHEMA)


def is_valid_by_jsonschema(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> bool:
    """Whether a value satisfies the document `name` of an edition according to `jsonschema`."""
    return bool(_validator(name, prefix, edition).is_valid(value))


def is_invalid_by_jsonschema_at(
    pointer: str, name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION
) -> bool:
    """Whether `jsonschema` finds an error at a place of a value, around it or within it."""
    return is_near_any(pointer, error_places(name, prefix, value, edition))


def error_places(name: str, prefix: str, value: JSON, edition: str = DEFAULT_EDITION) -> tuple[Place, ...]:
    """The places of a value at which `jsonschema` finds errors."""
    errors = _validator(name, prefix, edition).iter_errors(value)
    return tuple(tuple(place) for error in errors for place in _places(error))


def is_near_any(pointer: str, places: Iterable[Place]) -> bool:
    """Whether one of these places is the one that a JSON Pointer names, around it or within it."""
    tokens = tuple(pointer_tokens(pointer))
    return any(place[: len(tokens)] == tokens[: len(place)] for place in places)


def _places(error: Any) -> Iterator[Sequence[str]]:
    """The places of an error: the missing members, or the value that violates a keyword."""
    path = [str(token) for token in error.absolute_path]
    if error.validator == "required":
        yield from ([*path, member] for member in error.validator_value if member not in error.instance)
    else:
        yield path


@cache
def _validator(name: str, prefix: str, edition: str) -> Any:
    # Imported only when a server is about to be accused: the import takes longer than many test runs' judging.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(compile_schema(name, prefix, edition))
