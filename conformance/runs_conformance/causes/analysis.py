"""Sorts the failures of a test run into causes: each `sort_*` function assigns some of them to the causes that explain
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes import (
    refused_requests,
    shapes,
    topics,
    unvalidated_requests,
    value_types,
    whole_responses,
)
from runs_conformance.causes.cause import Cause
from runs_conformance.causes.groups import Sorting
from runs_conformance.model.verdict import Verdict


def analyze(verdicts: Sequence[Verdict]) -> tuple[Cause, ...]:
    """The causes of all failing verdicts, the most urgent first. Every failing id belongs to exactly one cause.

    The result depends on the verdicts alone: the same verdicts have the same causes.
    """
    sorting = Sorting(verdicts)
    if not sorting.rest:
        return ()
    whole_responses.sort_missing_responses(sorting)
    whole_responses.sort_errors_with_success_status(sorting)
    whole_responses.sort_error_envelope(sorting)
    value_types.sort_value_types(sorting)
    whole_responses.sort_list_envelope(sorting)
    unvalidated_requests.sort_accepted_requests(sorting)
    whole_responses.sort_crashes(sorting)
    refused_requests.sort_refused_requests(sorting)
    shapes.sort_objects(sorting)
    topics.sort_rules(sorting)
    return sorting.finish()
