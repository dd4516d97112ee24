"""Items of lists that lack a member which the same object has if it is read alone."""

from __future__ import annotations

import re

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import Absent

_MEMBER_OF_ITEM = re.compile(r"/(?:data/)?\d+/([^/]+)")


def classify_shortened_items(classifier: FailureClassifier) -> None:
    """Classify the rules that only items of lists violate, by a member that the object itself was seen to have."""
    taken = classifier.take(_shows_shortened_items)
    members = {member for failure in taken for member in _members_missing(failure)}
    operations = list(operations_of(taken))
    also = classifier.take(
        lambda failure: (
            failure.verdict.kind == "rule"
            and bool(missing := _members_missing(failure))
            and missing <= members
            and set(operations_of([failure])) <= set(operations)
        )
    )
    showing = {finding.shown_by for failure in taken for finding in failure.verdict.findings}
    omit = "omits" if len(operations) == 1 else "omit"
    classifier.add(
        "lists.items",
        f"{list_names(operations)} {omit} {list_names(as_code(sorted(members)))}, "
        f"shown by {list_names([name for name in OPERATIONS if name in showing])}",
        Severity.MISSING_MEMBER,
        "Build the items of a list by the same function as an object that is returned alone.",
        taken,
        also,
    )


def _shows_shortened_items(failure: Failure) -> bool:
    """Whether all findings are items that lack a member which another response shows."""
    return (
        failure.verdict.kind == "rule"
        and bool(_members_missing(failure))
        and all(finding.shown_by for finding in failure.verdict.findings)
    )


def _members_missing(failure: Failure) -> set[str]:
    """The members that items of lists lack; empty if a finding is about something else."""
    members = set[str]()
    for finding in failure.verdict.findings:
        operation = OPERATIONS.get(finding.operation or "")
        found = _MEMBER_OF_ITEM.match(finding.pointer)
        is_missing = finding.actual is None or isinstance(finding.actual, Absent)
        if operation is None or not operation.listed_kind or found is None or not is_missing:
            return set()
        members.add(found[1])
    return members
