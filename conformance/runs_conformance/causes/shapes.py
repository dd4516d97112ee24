"""Mistakes in the shape of objects: members that are missing, or of another type or value."""

from __future__ import annotations

from collections import defaultdict

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting
from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import Absent, is_array

_MIN_OBJECTS = 3
"""A member that is wrong in the same way in this many kinds of object is one mistake, not one per object."""


def sort_objects(sorting: Sorting) -> None:
    """Sort the failing constraints on responses: by a member that is wrong everywhere, then by object."""
    failures = sorting.take(lambda failure: failure.is_about_response)
    by_member: dict[tuple[str, bool], list[Failure]] = defaultdict(list)
    for failure in failures:
        by_member[failure.member, _is_missing(failure)].append(failure)
    by_object: dict[str, list[Failure]] = defaultdict(list)
    for (member, missing), members in by_member.items():
        if member and len({failure.subject for failure in members}) >= _MIN_OBJECTS:
            _add_member(sorting, member, missing, members)
        else:
            for failure in members:
                by_object[failure.subject].append(failure)
    for name, members in by_object.items():
        _add_object(sorting, name, members)
    _sort_repeated(sorting)


def _add_member(sorting: Sorting, member: str, missing: bool, failures: list[Failure]) -> None:
    objects = sorted({failure.subject.replace("_", " ") for failure in failures})
    everywhere = f"in {len(objects)} kinds of object ({', '.join(objects[:3])}, …)"
    sorting.add(
        f"shape.{'missing' if missing else 'member'}.{member}",
        f"`{member}` is missing {everywhere}" if missing else f"`{member}` is not as documented {everywhere}",
        Severity.MISSING_MEMBER if missing else Severity.WRONG_SHAPE,
        f"Always return `{member}`, as null if it has no value and may be null."
        if missing
        else f"Return `{member}` in its documented type wherever it occurs.",
        failures,
    )


def _add_object(sorting: Sorting, name: str, failures: list[Failure]) -> None:
    missing = all(_is_missing(failure) for failure in failures)
    places = list(dict.fromkeys(failure.place for failure in failures if failure.place)) or ["the object itself"]
    shown = ", ".join(f"`{place}`" if place != "the object itself" else place for place in places[:3])
    rest = f" and {len(places) - 3} more" if len(places) > 3 else ""
    kind = name.replace("_", " ")
    title = f"The {kind} object lacks {shown}{rest}" if missing else f"The {kind} object is wrong at {shown}{rest}"
    enums = [failure for failure in failures if failure.keyword == "enum" and isinstance(failure.finding.actual, str)]
    if enums == failures and len(places) == 1:
        title = f"{shown} of the {kind} has values that are not documented, such as '{enums[0].finding.actual}'"
    sorting.add(
        f"shape.{name}",
        title,
        Severity.MISSING_MEMBER if missing else Severity.WRONG_SHAPE,
        f"Build the {kind} object from its schema, with every member present and of its documented type.",
        failures,
    )


def _is_missing(failure: Failure) -> bool:
    return failure.keyword == "required"


def _sort_repeated(sorting: Sorting) -> None:
    """Sort the rules that only repeat a wrong value of a member into the cause of this value."""
    for group in sorting.groups:
        if group.kind.startswith("shape."):
            wrong = [failure for failure in group.members if failure.is_about_response]
            group.consequences += sorting.take(
                lambda rule, wrong=wrong: any(_repeats(rule, failure) for failure in wrong)  # type: ignore[misc]
            )


def _repeats(rule: Failure, failure: Failure) -> bool:
    """Whether a broken rule shows the value that breaks a constraint, in the same member of the same kind of object."""
    operation = OPERATIONS.get(rule.operation)
    if operation is None or rule.verdict.kind != "rule" or rule.member != failure.member or not rule.member:
        return False
    if failure.subject not in (operation.response_kind, operation.listed_kind):
        return False
    actual, expected = rule.finding.actual, failure.finding.expected
    if isinstance(actual, Absent):
        return _is_missing(failure)
    if failure.keyword == "enum":
        return is_array(expected) and actual not in expected
    if failure.keyword == "type" and not isinstance(failure.finding.actual, Absent):
        return json_type_of(actual) == json_type_of(failure.finding.actual)
    return failure.keyword == "const" and actual == failure.finding.actual
