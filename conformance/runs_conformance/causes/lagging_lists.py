"""Lists that lag behind writes, and the failures that only such lists show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.wording import list_names
from runs_conformance.contract.operation import OPERATIONS

_LISTED = "listing.what_was_created_is_listed"
_UNLISTED = "listing.what_was_deleted_is_not_listed"
_MAX_LISTS = 4
_LAG = re.compile(r"is listed only later$|^the list shows the `\w+` that .* had before$")
"""The messages of the rule for an object that lists show, but later than they should."""

_ABOUT_STORED_OBJECTS = (
    "cancel.ends_the_steps",
    "lifecycle.follows_the_graph",
    "lifecycle.terminal_status_is_final",
    "messages.additional_messages_are_in_the_thread",
    "messages.answer_has_a_step",
    "messages.are_not_lost",
    "messages.end_with_their_run",
    "metadata.changes_only_when_modified",
    "races.changes_outlive_the_run",
    "steps.are_not_lost",
    "steps.end_with_their_run",
    "steps.ended_step_stays_ended",
    "stored.run_is_as_its_stream_ended",
    "stored.steps_are_as_their_stream_ended",
    "stored.what_was_streamed_is_there",
    "threads.begin_with_the_messages_given",
    "tools.step_shows_the_calls",
)
"""Rules that fail, too, if a list shows an object as it was before, or does not show it yet."""


def find_lag(failing: Iterable[Failure]) -> Failure | None:
    """The failure that shows lists to lag behind; None if they do not."""
    return next((failure for failure in failing if failure.id == _LISTED and _shows_lag(failure)), None)


def _is_shown_by_lists_alone(failure: Failure) -> bool:
    """Whether all findings are in lists, so that lists that lag behind suffice as the reason."""
    operations = [OPERATIONS.get(finding.operation or "") for finding in failure.verdict.findings]
    return bool(operations) and all(each is not None and each.listed_kind for each in operations)


def is_due_to_lag(failure: Failure) -> bool:
    """Whether lists that lag behind may be why a rule on stored objects fails: then most of what it judges is right."""
    return failure.id in _ABOUT_STORED_OBJECTS and failure.is_occasional and _is_shown_by_lists_alone(failure)


def split_lag(failures: Sequence[Failure]) -> tuple[list[Failure], list[Failure]]:
    """The failures of lists that lag behind, and the others, which have other causes; all are others without a lag."""
    late = find_lag(failures)
    lagging = [failure for failure in failures if late is not None and failure.id in (_LISTED, _UNLISTED)]
    return lagging, [failure for failure in failures if failure not in lagging]


def describe_lag(failures: Sequence[Failure]) -> tuple[str, str]:
    """The title and fix of lists that lag behind; the title names all lists that lack an object or show an old one."""
    late = find_lag(failures)
    if late is None:
        return "", ""
    names = list_names(list(operations_of([late])), _MAX_LISTS)
    return f"Lists lag behind: what was just written is missing or old in {names}", late.fix


def _shows_lag(failure: Failure) -> bool:
    """Whether a list shows an object later than it should, or as it was before."""
    return any(_LAG.search(finding.message) for finding in failure.verdict.findings)
