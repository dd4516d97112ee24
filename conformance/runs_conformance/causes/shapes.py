"""Mistakes in the shape of objects: members that are missing, or of another type or value."""

from __future__ import annotations

from collections import defaultdict

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting

_MIN_OBJECTS = 3
"""A member that is wrong in the same way in this many kinds of object is one mistake, not one per object."""


def sort_objects(sorting: Sorting) -> None:
    """Sort the failing constraints on responses: by a member that is wrong everywhere, then by object."""
    failures = sorting.take(lambda failure: failure.is_about_response)
    by_member: dict[tuple[str, bool], list[Failure]] = defaultdict(list)
    for failure in failures:
        by_member[_member(failure), _is_missing(failure)].append(failure)
    by_object: dict[str, list[Failure]] = defaultdict(list)
    for (member, missing), members in by_member.items():
        if member and len({failure.subject for failure in members}) >= _MIN_OBJECTS:
            _add_member(sorting, member, missing, members)
        else:
            for failure in members:
                by_object[failure.subject].append(failure)
    for name, members in by_object.items():
        _add_object(sorting, name, members)


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
    sorting.add(
        f"shape.{name}",
        f"The {kind} object lacks {shown}{rest}" if missing else f"The {kind} object is wrong at {shown}{rest}",
        Severity.MISSING_MEMBER if missing else Severity.WRONG_SHAPE,
        f"Build the {kind} object from its schema, with every member present and of its documented type.",
        failures,
    )


def _is_missing(failure: Failure) -> bool:
    return failure.keyword == "required"


def _member(failure: Failure) -> str:
    return failure.place.rpartition(".")[2].removesuffix("[]")
