"""Causes in the shape of objects: members that are missing, or of another type or value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.explained_rules import is_explained
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.nulls import classify_nulls, nullable_places
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.event import event_types
from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, at, is_array
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Finding

_MIN_OBJECTS = 3
"""A member that is wrong in the same way in this many kinds of object is one cause, not one per object."""
_MAX_NAMED = 8
_MAX_TITLE = 120
_EVENT = re.compile(r"^/events/(\d+)/")
_UNCHANGED = "identity.never_changes"
"""The rule whose findings show the earlier value as the expected one."""


def classify_objects(classifier: FailureClassifier) -> None:
    """Classify the failing constraints on responses: nulls, members wrong everywhere, then the rest."""
    classify_nulls(classifier)
    failures = classifier.take(lambda failure: failure.is_about_response and not is_explained(failure, classifier))
    by_member: dict[tuple[str, bool], list[Failure]] = defaultdict(list)
    for failure in failures:
        by_member[failure.member, _is_missing(failure)].append(failure)
    by_object: dict[str, list[Failure]] = defaultdict(list)
    for (member, missing), members in by_member.items():
        if member and len({failure.subject for failure in members}) >= _MIN_OBJECTS:
            _add_member(classifier, member, missing, members)
        else:
            for failure in members:
                by_object[failure.subject].append(failure)
    by_places: dict[frozenset[tuple[str, str]], list[str]] = defaultdict(list)
    for name, members in by_object.items():
        by_places[frozenset((failure.place, failure.keyword) for failure in members)].append(name)
    for names in by_places.values():
        _add_object(classifier, names, [failure for name in names for failure in by_object[name]])
    _classify_repeated(classifier)


def _add_member(classifier: FailureClassifier, member: str, missing: bool, failures: list[Failure]) -> None:
    objects = sorted({failure.subject.replace("_", " ") for failure in failures})
    everywhere = f"in {len(objects)} kinds of object ({', '.join(objects[:3])}, …)"
    classifier.add(
        f"shape.{'missing' if missing else 'member'}.{member}",
        f"`{member}` is missing {everywhere}" if missing else f"`{member}` is not as documented {everywhere}",
        Severity.MISSING_MEMBER if missing else Severity.WRONG_SHAPE,
        f"Always return `{member}`, as null if it has no value and may be null."
        if missing
        else f"Return `{member}` in its documented type wherever it occurs.",
        failures,
    )


def _add_object(classifier: FailureClassifier, names: Sequence[str], failures: list[Failure]) -> None:
    """Add the cause of a kind of object, or of several that are wrong at the same places."""
    missing = all(_is_missing(failure) for failure in failures)
    places = list(dict.fromkeys(failure.place for failure in failures if failure.place)) or ["the object itself"]
    shown = list_names([f"`{place}`" if place != "the object itself" else place for place in places])
    kind = " and ".join(name.replace("_", " ") for name in names)
    objects = f"The {kind} object{'s' * (len(names) > 1)}"
    lack, are = ("lack", "are") if len(names) > 1 else ("lacks", "is")
    title = f"{objects} {lack} {shown}" if missing else f"{objects} {are} wrong at {shown}"
    enums = [failure for failure in failures if failure.keyword == "enum" and isinstance(failure.finding.actual, str)]
    if enums == failures and len(places) == 1:
        title = f"{shown} of the {kind} has values that are not documented, such as '{enums[0].finding.actual}'"
    if len(failures) == 1 and not missing and failures[0].place:
        title = _title_of_one(kind, failures[0]) or title
    classifier.add(
        f"shape.{names[0]}",
        title,
        Severity.MISSING_MEMBER if missing else Severity.WRONG_SHAPE,
        _fix_of_object(kind, failures),
        failures,
    )


def _title_of_one(kind: str, failure: Failure) -> str:
    """The message of the finding as a title; empty if it has another form."""
    start = f"{failure.subject}.{failure.place} "
    finding = failure.finding
    if not finding.message.startswith(start):
        return ""
    what = finding.message.removeprefix(start)
    if failure.keyword == "type" and not isinstance(finding.actual, Absent | None):
        what = f"is {json_type_of(finding.actual)}{what[what.rindex(', not ') :] if ', not ' in what else ''}"
    return excerpt(f"`{failure.place}` of the {kind} object {what}", _MAX_TITLE)


def _fix_of_object(kind: str, failures: Sequence[Failure]) -> str:
    """What to change in an object, member by member. Objects that are wrong at the same places have one list."""
    failures = [failure for failure in failures if failure.subject == failures[0].subject]
    lacking = as_code(failure.place for failure in failures if _is_missing(failure))
    wrong = [
        failure.verdict.statement.rstrip(".").replace(f"{failure.subject}.{failure.place}", f"`{failure.place}`", 1)
        for failure in failures
        if not _is_missing(failure) and failure.place
    ]
    nullable = nullable_places(failures[0].subject)
    are_nullable = bool(lacking) and all(name.strip("`") in nullable for name in lacking)
    without_value = ", as null without a value" if are_nullable else ""
    parts = [f"add {list_names(lacking, _MAX_NAMED)}{without_value}"] if lacking else []
    parts += [f"make sure that {'; '.join(wrong[:_MAX_NAMED])}"] if wrong else []
    if not parts:
        return f"Build the {kind} object from its schema, with every member present and of its documented type."
    rest = f"; and {len(wrong) - _MAX_NAMED} more" if len(wrong) > _MAX_NAMED else ""
    objects = "objects" if " and " in kind else "object"
    return f"In the {kind} {objects}, {', and '.join(parts)}{rest}."


def _is_missing(failure: Failure) -> bool:
    return failure.keyword == "required"


def _classify_repeated(classifier: FailureClassifier) -> None:
    """Classify the rules that only repeat wrong values of members into the cause of the first of these values."""
    drafts = [draft for draft in classifier.drafts if draft.kind.startswith("shape.")]
    wrong = [failure for draft in drafts for failure in draft.members if failure.is_about_response]
    repeating = classifier.take(
        lambda rule: (
            rule.verdict.kind == "rule"
            and bool(rule.verdict.findings)
            and all(any(_repeats(rule, finding, failure) for failure in wrong) for finding in rule.verdict.findings)
        )
    )
    for rule in repeating:
        shown = (d for d in drafts if any(_repeats(rule, rule.finding, failure) for failure in d.members))
        next(shown).consequences.append(rule)


def _repeats(rule: Failure, finding: Finding, failure: Failure) -> bool:
    """Whether a finding is about a value that violates a constraint, in the same member of such an object."""
    member = next((name for name in reversed(finding.pointer.split("/")) if not name.isdigit()), "")
    if not failure.is_about_response or not member or member != failure.member or finding.pointer.startswith("/error/"):
        return False
    if not _shows_kind(rule, finding, failure.subject):
        return False
    # A value that has changed may have been wrong before.
    values = (finding.actual, *([finding.expected] if rule.id == _UNCHANGED else ()))
    return any(_violates_likewise(value, failure) for value in values)


def _shows_kind(rule: Failure, finding: Finding, kind: str) -> bool:
    """Whether a finding is about an object of a kind. The counterexample alone tells which object an event has."""
    event = _EVENT.match(finding.pointer)
    if event is None:
        operation = OPERATIONS.get(finding.operation or rule.operation)
        return operation is not None and kind in (operation.response_kind, operation.listed_kind)
    example = rule.verdict.counterexample
    name = at(example, f"/answer/events/{event[1]}") if at(example, "/exchange") == finding.exchange else None
    types = event_types()
    if isinstance(name, str):
        return name in types and types[name].payload_kind == kind
    return any(known.payload_kind == kind for known in types.values())


def _violates_likewise(actual: JSON | Absent, failure: Failure) -> bool:
    """Whether a value violates the constraint of a failure in the same way as the value in its finding."""
    expected = failure.finding.expected
    if isinstance(actual, Absent):
        return _is_missing(failure)
    if failure.keyword == "enum":
        return is_array(expected) and actual not in expected
    if failure.keyword == "type" and not isinstance(failure.finding.actual, Absent):
        return json_type_of(actual) == json_type_of(failure.finding.actual)
    return failure.keyword == "const" and actual == failure.finding.actual
