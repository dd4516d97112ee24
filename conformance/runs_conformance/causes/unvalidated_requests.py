"""Operations that validate nothing, and the consequences of accepted invalid requests."""

from __future__ import annotations

from collections import Counter

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.dropped_members import classify_dropped_members
from runs_conformance.causes.failure import Failure, in_query
from runs_conformance.causes.falsy_values import classify_falsy_values
from runs_conformance.causes.missing_member_crashes import classify_missing_member_crashes
from runs_conformance.causes.partial_validation import (
    SHARE,
    classify_partial_validation,
    describe,
    found_in_items,
    join_validation,
)
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, json_equal

_MIN_ACCEPTED = 3

_PARSING_RULES = (
    "robustness.malformed_json_is_refused",
    "robustness.invalid_utf8_is_refused",
    "robustness.empty_bodies_are_refused_where_members_are_required",
    "robustness.misshapen_bodies_are_refused",
    "robustness.nothing_follows_the_body",
    "robustness.empty_bodies_are_refused_where_no_members_are_required",
    "refusals.status_says_that_the_body_is_at_fault",
)
"""Rules that a server violates if it never checks a body."""

OUTPUT_RULES = (
    "tools.missing_outputs_are_refused",
    "tools.unknown_outputs_are_refused",
    "tools.repeated_outputs_are_refused",
)
"""Rules that a server violates if it does not match outputs with calls; only some of such bodies violate the schema."""

_BOUNDS = ("maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "maxProperties", "pattern", "enum")
"""Keywords that a server does not violate by itself, only by repeating what it accepted."""


def classify_accepted_requests(classifier: FailureClassifier) -> None:
    """Classify the invalid requests that were accepted, the responses that repeat them, and their crashes."""
    classify_falsy_values(classifier)
    classify_dropped_members(classifier)
    classify_missing_member_crashes(classifier)
    for query in (False, True):
        _classify_unvalidated(classifier, query)
    classify_partial_validation(classifier)
    join_validation(classifier)
    _classify_echoes(classifier)


def _classify_unvalidated(classifier: FailureClassifier, query: bool) -> None:
    """Combine the operations that validate nothing into one cause."""
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for failure in classifier.rest:
        if failure.is_accepted_violation and failure.is_in_query is query:
            accepted[failure.subject] += 1
    for verdict in classifier.passing:
        if verdict.kind == "constraint" and verdict.operation and in_query(verdict) is query:
            refused[verdict.operation] += 1
    for failure in () if query else found_in_items(classifier):
        refused[failure.subject] += 1
    if query:
        # An operation has too few parameters for a statement of its own.
        decided = sum(accepted.values()) + sum(refused.values())
        count = sum(accepted.values())
        broken = set(accepted) if count >= _MIN_ACCEPTED and count >= SHARE * decided else set()
        broken = set() if classifier.lacks_body_constraints else broken
    else:
        broken = {
            name
            for name, count in accepted.items()
            if count >= _MIN_ACCEPTED and count >= SHARE * (count + refused[name])
        }
    if not broken:
        return
    members = classifier.take(
        lambda failure: (
            (
                failure.is_about_request
                and failure.is_in_query is query
                and failure.subject in broken
                and not failure.is_refused_valid
            )
            or (not query and failure.id in _PARSING_RULES)
            or (
                not query
                and failure.id in OUTPUT_RULES
                and "submit_tool_outputs" in broken
                and _breaks_schema_only(failure)
            )
        )
    )
    if query:
        classifier.add(
            "validation.query",
            "Query parameters are not validated",
            Severity.MISSING_VALIDATION,
            "Check limit, order and the other parameters against their schema, and refuse the rest with HTTP 400.",
            members,
        )
        return
    title, fix = describe(classifier, members, [name for name in OPERATIONS if name in broken])
    classifier.add("validation.none", title, Severity.MISSING_VALIDATION, fix, members)


def _breaks_schema_only(failure: Failure) -> bool:
    """Whether all findings are of one request, whose body violates its schema: validation alone fixes the failure."""
    exchanges = {finding.exchange for finding in failure.verdict.findings}
    return failure.has_invalid_body and len(exchanges) == 1 and failure.verdict.reason is None


def _classify_echoes(classifier: FailureClassifier) -> None:
    """Assign the wrong members of responses that only repeat what was accepted to the cause of its acceptance."""
    group = classifier.find("validation.none") or classifier.find("validation.incomplete")
    if group is None:
        return
    accepted = [failure for failure in group.members if failure.is_about_request]
    # A list of all assistants shows those that other programs created by invalid requests.
    of_assistants = (f.place for f in accepted if f.subject in ("create_assistant", "modify_assistant"))
    listed = {place for place in of_assistants if place}  # What is wrong with a body as a whole shows nowhere.
    bounds = {(failure.place, failure.keyword) for failure in accepted if failure.keyword in _BOUNDS}
    rules = group.kind == "validation.none"
    group.consequences += classifier.take(
        lambda failure: (rules and _answers_invalid_request(failure)) or _repeats(failure, listed, bounds)
    )


def _answers_invalid_request(failure: Failure) -> bool:
    return failure.verdict.kind == "rule" and failure.shows_accepted_violation


def _repeats(failure: Failure, listed: set[str], bounds: set[tuple[str, str]]) -> bool:
    """Whether a failing response shows a value at a place where an invalid one had been accepted."""
    if not failure.is_about_response:
        return False
    if (failure.place, failure.keyword) in bounds:
        return True
    if any(_shows_mutation(failure, place, value) for place, value in failure.mutations):
        return True
    return failure.operation == "list_assistants" and any(_is_below(failure.place, place) for place in listed)


def _shows_mutation(failure: Failure, place: str, value: JSON | Absent) -> bool:
    # The type of a part decides which other members it must have.
    whole = place.removesuffix(".type")
    if not _is_below(failure.place, whole):
        return False
    actual = failure.finding.actual
    same_place = failure.place == place or place.endswith(f".{failure.place}")
    same_place = same_place and not place.endswith("propertyNames")
    if same_place and not isinstance(actual, Absent) and not isinstance(value, Absent):
        return json_equal(actual, value)
    return True


def _is_below(response_place: str, request_place: str) -> bool:
    """Whether a place of an object equals, contains or lies in the place of a request.

    The request may nest the object.
    """
    if not request_place:
        return True
    parts = request_place.split(".")
    tails = [".".join(parts[start:]) for start in range(len(parts))]
    return any(
        response_place == tail
        or response_place.startswith((f"{tail}.", f"{tail}["))
        or tail.startswith(response_place + ".")
        for tail in tails
    )
