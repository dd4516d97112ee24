"""The cause of responses that are not HTTP, which clients cannot read to their end."""

from __future__ import annotations

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import join_fixes, operations_of
from runs_conformance.causes.wording import list_names

_FRAMING_RULE = "transport.responses_are_framed_as_http"
_FIX = "Count the size of each chunk in the bytes that are sent."


def classify_malformed_responses(classifier: FailureClassifier) -> None:
    """Classify the responses that clients cannot read to their end, since they are not HTTP."""
    taken = classifier.take(lambda failure: failure.id == _FRAMING_RULE or failure.got_malformed_response)
    direct = [failure for failure in taken if failure.id == _FRAMING_RULE]
    operations = list_names(list(operations_of(direct or taken))) or "unknown operations"
    classifier.add(
        "response.framing",
        f"Clients cannot read some responses to their end, because they are not valid HTTP: {operations}",
        Severity.CRASH,
        join_fixes(direct) or _FIX,
        taken,
    )
