"""Causes in the envelope of lists."""

from __future__ import annotations

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.refused_requests import name_operations
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import is_array


def classify_list_envelope(classifier: FailureClassifier) -> None:
    """Classify what follows from lists without their envelope."""
    bare = any(_is_bare_list(failure) for failure in classifier.rest)
    lists = [failure for failure in classifier.rest if failure.is_about_response and failure.subject.endswith("_list")]
    if not bare and not lists:
        return
    members = classifier.take(lambda failure: _is_bare_list(failure) or failure in lists)
    hidden = classifier.take(lambda failure: bare and failure.subject in ("listing", "paging"))
    places = as_code(sorted({failure.place or "data" for failure in lists if not _is_bare_list(failure)}))
    lack = all(failure.keyword == "required" for failure in lists)
    is_one = len({failure.subject for failure in lists}) == 1
    subject = f"The response of {name_operations(lists)}" if is_one else "Lists"
    what = ("lacks" if is_one else "lack") if lack else f"{'is' if is_one else 'are'} not as documented at"
    title = f"{subject} {what} {list_names(places)}"
    classifier.add(
        "lists.envelope",
        "Lists are bare arrays without their envelope" if bare else title,
        Severity.WRONG_SHAPE,
        'Return lists as {"object": "list", "data": […], "first_id", "last_id", "has_more"}.',
        members,
        hidden,
    )


def _is_bare_list(failure: Failure) -> bool:
    operation = OPERATIONS.get(failure.operation)
    return operation is not None and operation.listed_kind is not None and is_array(failure.body)
