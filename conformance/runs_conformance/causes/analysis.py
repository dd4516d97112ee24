"""Sorts failures into causes: each `classify_*` function assigns some of them to the causes that explain them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runs_conformance.causes import (
    crashes,
    error_responses,
    ignored_parameters,
    item_crashes,
    list_envelope,
    list_items,
    malformed_responses,
    refused_requests,
    rule_failures,
    shapes,
    unread_objects,
    unvalidated_requests,
    value_types,
)
from runs_conformance.causes.cause import Cause
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.model.verdict import Verdict


def analyze(verdicts: Sequence[Verdict], operations_not_offered: Collection[str] = ()) -> tuple[Cause, ...]:
    """The causes of all failing verdicts, the most urgent first. Every failing id belongs to exactly one cause.

    The result depends on the arguments alone: the same verdicts of a target that lacks the same operations have the
    same causes.
    """
    classifier = FailureClassifier(verdicts, operations_not_offered)
    if not classifier.rest:
        return ()
    malformed_responses.classify_malformed_responses(classifier)
    crashes.classify_missing_responses(classifier)
    error_responses.classify_errors_with_success_status(classifier)
    error_responses.classify_error_envelope(classifier)
    value_types.classify_value_types(classifier)
    list_envelope.classify_list_envelope(classifier)
    ignored = ignored_parameters.take_ignored_parameters(classifier)
    item_crashes.classify_item_crashes(classifier)
    unvalidated_requests.classify_accepted_requests(classifier)
    crashes.classify_crashes(classifier)
    unread_objects.classify_unread_objects(classifier)
    refused_requests.classify_refused_requests(classifier)
    shapes.classify_objects(classifier)
    list_items.classify_shortened_items(classifier)
    rule_failures.classify_rules(classifier)
    ignored_parameters.add_ignored_parameters(classifier, ignored)
    return classifier.finish()
