"""Members of requests that a server drops."""

from __future__ import annotations

from collections import defaultdict

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS

_MAX_NAMED = 3
"""With more dropped members, the title has their number and the fix has their names."""

_DROP_RULES = {
    "threads.begin_with_the_messages_given": ("create_thread", "messages"),
    "messages.given_messages_keep_their_metadata": ("create_thread", "messages"),
    "threads.show_their_tool_resources": ("create_thread", "tool_resources"),
    "messages.additional_messages_are_in_the_thread": ("create_run", "additional_messages"),
    "messages.answer_shows_the_attachments": ("create_message", "attachments"),
    "assistants.show_their_tool_resources": ("create_assistant", "tool_resources"),
}
"""By rule, the operation and the member whose loss it shows."""


def sort_dropped_members(sorting: Sorting) -> None:
    """Sort the members of a request that are dropped: their values are never refused."""
    lost: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in sorting.rest:
        if failure.is_negative or failure.mutations:
            continue
        if failure.id in _DROP_RULES and not failure.finding.pointer.endswith("/content"):
            lost[_DROP_RULES[failure.id]].append(failure)
        elif failure.id.startswith("settings.") and failure.id.endswith("_is_as_asked") and failure.finding.pointer:
            lost[failure.operation, failure.finding.pointer.strip("/").partition("/")[0]].append(failure)
        elif failure.id == "metadata.is_shown_in_the_answer":
            lost[failure.operation, "metadata"].append(failure)
    if not lost:
        return
    shown = [failure for failures in lost.values() for failure in failures]
    sorting.leave_out(shown)
    forgetful = {_kind_shown(operation) for operation, member in lost if member == "metadata"}
    shown += sorting.take(
        lambda failure: failure.id == "metadata.is_kept" and _kind_shown(failure.operation) in forgetful
    )
    silent = sorting.take(
        lambda failure: (
            failure.is_accepted_violation
            and (failure.subject, failure.place.partition(".")[0].partition("[")[0]) in lost
        )
    )
    by_operation: dict[str, list[str]] = defaultdict(list)
    for operation, member in sorted(lost):
        by_operation[operation].append(member)
    every = [f"{', '.join(as_code(members))} of {name}" for name, members in by_operation.items()]
    names = every if len(lost) <= _MAX_NAMED else [f"{len(m)} of {name}" for name, m in by_operation.items()]
    sorting.add(
        "data.dropped",
        f"Members of requests are dropped: {list_names(names)}",
        Severity.DATA_LOSS,
        "Store every documented member of a request and return it, instead of a list of known ones; now it "
        f"loses {'; '.join(every)}.",
        shown,
        silent,
    )


def _kind_shown(operation: str) -> str | None:
    known = OPERATIONS.get(operation)
    return known.listed_kind or known.response_kind if known is not None else None
