"""Objects that exist and cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.error_responses import are_of_unknown_routes
from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.refused_requests import name_operations
from runs_conformance.causes.wording import list_names
from runs_conformance.contract.operation import OPERATIONS

_STATUSES_OF_MISSING_ROUTES = (404, 405, 501)


def classify_unread_objects(classifier: FailureClassifier) -> None:
    """Classify the reads of existing objects that fail, and what follows where there is no route for them."""
    unread = classifier.take(lambda failure: failure.subject == "acceptance" and failure.id.endswith("_can_be_read"))
    missing = _missing_routes(classifier, unread)
    if not missing:
        classifier.add(
            "reads",
            f"Existing objects are not shown by {name_operations(unread)}",
            Severity.LIFECYCLE,
            "Serve the operation, and look the object up where it was stored when it was created.",
            unread,
        )
        return
    routes = [OPERATIONS[name].route for name in missing]
    consequences: list[Failure] = []
    envelope = classifier.find("errors.envelope")
    if envelope is not None and are_of_unknown_routes(classifier, envelope.members):
        # Only requests to missing routes get this form.
        consequences = [*envelope.members, *envelope.consequences]
        classifier.drafts.remove(envelope)
    classifier.add(
        "reads",
        f"{_name_kinds(missing)} cannot be read: there is no {list_names(routes)}",
        Severity.LIFECYCLE,
        f"Serve {list_names(routes, len(routes))}, and look the object up where it was stored when it was created.",
        unread,
        consequences,
    )


def _missing_routes(classifier: FailureClassifier, unread: Sequence[Failure]) -> list[str]:
    """The operations that read objects if the target has none of them; empty if it fails at an existing one."""
    findings = [finding for failure in unread for finding in failure.verdict.findings]
    names = list(operations_of(unread))
    is_missing = all(
        finding.operation in classifier.operations_not_offered and finding.actual in _STATUSES_OF_MISSING_ROUTES
        for finding in findings
    )
    return [name for name in names if name in classifier.operations_not_offered] if is_missing else []


def _name_kinds(operations: Sequence[str]) -> str:
    """The kinds of object that operations read, for the beginning of a title."""
    kinds = dict.fromkeys(f"{(OPERATIONS[name].response_kind or name).replace('_', ' ')}s" for name in operations)
    return list_names([*kinds]).capitalize()
