"""Parameters that lists ignore, so that an invalid value of them is accepted like any other."""

from __future__ import annotations

from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure
from runs_conformance.model.verdict import Verdict

_SHOWING = {
    "limit": ("paging.limit_is_kept",),
    "order": ("listing.order_is_kept", "listing.ascending_reverses_descending"),
}
"""By parameter, the rules that show that a list does not follow it. Another default order shows nothing of `order`."""


def take_ignored_parameters(classifier: FailureClassifier) -> list[Failure]:
    """Take the invalid values of parameters that were accepted because the list ignores the parameter."""
    ignoring = {name: _operations_ignoring(classifier, name) for name in _SHOWING}
    checking = {(verdict.operation, verdict.id.split(".")[1]) for verdict in classifier.passing if _is_on_list(verdict)}
    return classifier.take(
        lambda failure: (
            failure.is_accepted_violation
            and failure.is_in_query
            and failure.subject in ignoring.get(failure.place, ())
            and (failure.subject, failure.place) not in checking
        )
    )


def add_ignored_parameters(classifier: FailureClassifier, ignored: list[Failure]) -> None:
    """Record these failures as consequences of the lists that ignore their parameters."""
    rules = {rule for rules in _SHOWING.values() for rule in rules}
    for failure in ignored:
        draft = next(
            draft
            for draft in classifier.drafts
            if any(each.id in rules for each in (*draft.members, *draft.consequences))
        )
        draft.consequences.append(failure)


def _operations_ignoring(classifier: FailureClassifier, parameter: str) -> set[str]:
    """The operations whose lists are the same whatever the value of a parameter."""
    return {
        finding.operation or ""
        for failure in classifier.failing
        if failure.id in _SHOWING[parameter] and not failure.is_occasional
        for finding in failure.verdict.findings
        if not _is_near(finding.expected, finding.actual)
    }


def _is_near(expected: object, actual: object) -> bool:
    """Whether a page has one item more than its limit, which is then applied, but off by one."""
    return isinstance(expected, int) and isinstance(actual, int) and actual == expected + 1


def _is_on_list(verdict: Verdict) -> bool:
    return verdict.kind == "constraint" and (verdict.operation or "").startswith("list_")
