"""Members of requests that a server drops."""

from __future__ import annotations

import re
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

_FOLLOWING = {
    "tool_choice": (
        "choice.no_tool_is_called_when_none_may_be",
        "choice.a_tool_is_called_when_one_must_be",
        "choice.the_tool_that_is_named_is_called",
    ),
    "parallel_tool_calls": ("choice.calls_are_not_parallel_unless_allowed",),
}
"""By member, the rules that runs break which do not know its value."""

_OTHER_MODEL = "settings.other_model_replaces_the_assistants"
"""The rule that fails, too, if the model of a run is dropped."""

_CREATING = tuple(name for name, operation in OPERATIONS.items() if operation.creates)
_END_OF_MEMBER = re.compile(r"[.\[{]")
_OBJECT_IN_RESPONSE = re.compile(r"^/(?:events/\d+/data(?:/data)?|data/\d+)(?=/)")


def sort_dropped_members(sorting: Sorting) -> None:
    """Sort the members of a request that are dropped: their values are never refused."""
    found = {failure.id: members for failure in sorting.rest if (members := _lost_members(failure))}
    lost = {member for members in found.values() for member in members}
    if not lost:
        return
    shown = sorting.take(lambda failure: failure.id in found)
    forgetful = {_kind_shown(operation) for operation, member in lost if member == "metadata"}
    shown += sorting.take(
        lambda failure: failure.id == "metadata.is_kept" and _kind_shown(failure.operation) in forgetful
    )
    silent = sorting.take(
        lambda failure: (
            failure.is_accepted_violation
            and (failure.subject, _END_OF_MEMBER.split(failure.place, maxsplit=1)[0]) in lost
        )
    )
    names = {member for _, member in lost}
    shown += sorting.take(lambda failure: failure.id == _OTHER_MODEL and "model" in names)
    silent += sorting.take(lambda failure: any(failure.id in _FOLLOWING.get(name, ()) for name in names))
    by_operation: dict[str, list[str]] = defaultdict(list)
    for operation, member in sorted(lost):
        by_operation[operation].append(member)
    every = [f"{', '.join(as_code(members))} of {name}" for name, members in by_operation.items()]
    title = every if len(lost) <= _MAX_NAMED else [f"{len(m)} of {name}" for name, m in by_operation.items()]
    sorting.add(
        "data.dropped",
        f"Members of requests are dropped: {list_names(title)}",
        Severity.DATA_LOSS,
        "Store every documented member of a request and return it, instead of a list of known ones; now it "
        f"loses {'; '.join(every)}.",
        shown,
        silent,
    )


def _lost_members(failure: Failure) -> set[tuple[str, str]]:
    """The members whose loss a failure shows, each with the operation that drops it."""
    if failure.is_negative or failure.mutations:
        return set()
    if failure.id in _DROP_RULES and not failure.finding.pointer.endswith("/content"):
        return {_DROP_RULES[failure.id]}
    if failure.id == "metadata.is_shown_in_the_answer":
        return {(finding.operation or "", "metadata") for finding in failure.verdict.findings}
    if not (failure.id.startswith("settings.") and failure.id.endswith("_is_as_asked") and failure.finding.pointer):
        return set()
    creating = [each for each in failure.verdict.findings if each.operation in _CREATING] or [failure.finding]
    return {(finding.operation or "", _member_shown(finding.pointer)) for finding in creating}


def _member_shown(pointer: str) -> str:
    """The member of the object that a pointer into a response leads to; the object may be in an event or a list."""
    return _OBJECT_IN_RESPONSE.sub("", pointer).strip("/").partition("/")[0]


def _kind_shown(operation: str) -> str | None:
    known = OPERATIONS.get(operation)
    return known.listed_kind or known.response_kind if known is not None else None
