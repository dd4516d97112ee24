"""Requests without a required member on which a server fails instead of refusing them."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.crashes import CRASH_RULES, name_server_error
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.wording import as_code, list_names

_MIN_MEMBERS = 2
"""A single member may make a server fail for another reason."""


def classify_missing_member_crashes(classifier: FailureClassifier) -> None:
    """Classify the crashes on missing and null members if the server survives all other values.

    A server that fails on values of another type, too, lacks more than this check.
    """
    required = {verdict.id for verdict in classifier.verdicts if verdict.id.endswith(".required")}
    crashes = [failure for failure in classifier.rest if _is_crash_on_body(failure)]
    places = {(failure.subject, failure.place) for failure in crashes}
    if len(places) < _MIN_MEMBERS or not all(_lacks_required_member(failure, required) for failure in crashes):
        return
    classifier.mark_explained(crashes)
    cases = {finding.case for failure in crashes for finding in failure.verdict.findings}
    repeated = classifier.take(
        lambda failure: (
            failure.id in CRASH_RULES and {finding.case for finding in failure.verdict.findings} <= cases - {None}
        )
    )
    names = list_names(as_code(failure.place for failure in crashes))
    classifier.add(
        "crash.required",
        f"Requests without required members ({names}) get {name_server_error(crashes)}",
        Severity.CRASH,
        "Check that required members are present and not null before they are used, and refuse the request with "
        f"HTTP 400 otherwise: {_name_members(crashes)}.",
        crashes,
        repeated,
    )


def _is_crash_on_body(failure: Failure) -> bool:
    return failure.is_crash and failure.is_about_request and not failure.is_in_query and not failure.is_refused_valid


def _lacks_required_member(failure: Failure, required: set[str]) -> bool:
    """Whether a required member is missing from the request, or null."""
    if failure.keyword == "required":
        return True
    is_null = failure.keyword == "type" and all(finding.actual is None for finding in failure.verdict.findings)
    return is_null and f"{failure.subject}.{failure.place}.required" in required


def _name_members(failures: Sequence[Failure]) -> str:
    """The missing members of each operation."""
    operations = dict.fromkeys(failure.subject for failure in failures)
    return "; ".join(
        f"{list_names(as_code(failure.place for failure in failures if failure.subject == name), 6)} of {name}"
        for name in operations
    )
