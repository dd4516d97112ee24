"""Names of the valid values that a server refuses."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence

from runs_conformance.causes.failure import Failure
from runs_conformance.causes.wording import list_names
from runs_conformance.model.error_message import error_message
from runs_conformance.model.json import is_array, is_object
from runs_conformance.model.plural import plural
from runs_conformance.model.text import full_length

_MAX_NAMED = 6
_MAX_VALUES = 3
_MAX_TEXT = 40
_NAMES = "propertyNames"
"""The keyword for constraints on the names of an object's members; it is a part of their place."""


def member_refused(failure: Failure) -> str:
    """The name of the member whose value was refused."""
    return _place(failure).rpartition(".")[2].removesuffix("[]").removesuffix("{}")


def name_values(failures: Sequence[Failure]) -> str:
    """The members whose valid values were refused, each with these values."""
    values: dict[str, dict[str, None]] = defaultdict(dict)
    for failure in failures:
        if place := _place(failure):
            values[place][_name_value(failure)] = None
    named = [f"`{place}` ({list_names([*found], _MAX_VALUES)})" for place, found in values.items()]
    return list_names(named, _MAX_NAMED)


def places_counted_in_bytes(failures: Sequence[Failure]) -> list[str]:
    """The members whose values are refused as longer than they are: a limit of characters is applied to bytes.

    Only longest values with other characters than those of ASCII were refused, and a refusal names a greater length.
    """
    by_place: dict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        if failure.keyword == "maxLength" and not failure.place.endswith(_NAMES):
            by_place[_place(failure)].append(failure)
    return [
        place
        for place, those in by_place.items()
        if all(map(_has_more_bytes, those)) and any(map(_names_longer, those))
    ]


def _has_more_bytes(failure: Failure) -> bool:
    values = [finding.actual for finding in failure.verdict.findings if finding.expected == failure.finding.expected]
    return all(isinstance(value, str) and not value.partition("…")[0].isascii() for value in values)


def _names_longer(failure: Failure) -> bool:
    """Whether the refusal names a length that is greater than that of the value, but possible for its bytes."""
    value, message = failure.finding.actual, error_message(failure.body)
    if not isinstance(value, str) or message is None or not failure.is_shown:
        return False
    length = full_length(value)
    return any(length < int(number) <= 4 * length for number in re.findall(r"\d{1,9}", message))


def _place(failure: Failure) -> str:
    """The place of the refused value, which may contain the place of the constraint."""
    names = failure.place.removesuffix(f".{_NAMES}").split(".")
    segments = failure.finding.pointer.split("/")[1:]
    depth = sum(not segment.isdigit() for segment in segments)
    place = ".".join(names[:depth] if depth else names)
    return place if segments and segments[-1].isdigit() else place.removesuffix("[]")


def _name_value(failure: Failure) -> str:
    """The refused value by the property that the constraint limits, else as JSON if it is short."""
    value = failure.finding.actual
    if failure.place.endswith(_NAMES):
        name = failure.finding.pointer.rpartition("/")[2]
        names = [*value] if is_object(value) else [name]
        return f"names of {plural(max(map(full_length, names), default=0), 'character')}"
    if is_array(value) and failure.keyword in ("minItems", "maxItems"):
        return plural(len(value), "item")
    if is_object(value) and failure.keyword == "maxProperties":
        return plural(len(value), "member")
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= _MAX_TEXT:
        return text
    if isinstance(value, str):
        return plural(full_length(value), "character")
    return plural(len(value), "item") if is_array(value) else "an object"
