"""Failures that another failing rule explains: the server is wrong once, and a second rule sees it too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting

_ORDER = ("listing.newest_come_first_by_default", "listing.order_is_kept", "listing.ascending_reverses_descending")
_REVIVED = ("lifecycle.terminal_status_is_final",)

_EXPLAINED_BY = {
    "messages.additional_messages_keep_their_order": _ORDER,
    "threads.keep_the_order_of_their_messages": _ORDER,
    "lock.message_is_taken_after_the_end": _REVIVED,
    "lock.run_is_taken_after_the_end": _REVIVED,
    "stored.run_is_as_its_stream_ended": _REVIVED,
    "times.are_in_order": _REVIVED,
    "times.start_moves_only_when_resumed": _REVIVED,
    "acceptance.members_are_accepted_together": ("*.metadata.maxProperties",),
    "metadata.holds_nothing_else": ("create_*.metadata{}.type", "modify_*.metadata{}.type"),
}
"""By rule, the patterns of ids of which one explains it."""

_END = re.compile(r"had ended '(\w+)'")


def take_explained(sorting: Sorting) -> list[Failure]:
    """Take the unexplained failures that another failing rule explains."""
    return sorting.take(lambda failure: bool(_explanations(failure, sorting.failing)))


def add_explained(sorting: Sorting, explained: Sequence[Failure]) -> None:
    """Record failures as consequences of the causes that have the rules which explain them."""
    for failure in explained:
        ids = {each.id for each in _explanations(failure, sorting.failing)}
        groups = (g for g in sorting.groups if any(each.id in ids for each in (*g.members, *g.consequences)))
        if (group := next(groups, None)) is not None:
            group.consequences.append(failure)


def _explanations(failure: Failure, failing: Sequence[Failure]) -> list[Failure]:
    patterns = _EXPLAINED_BY.get(failure.id, ())
    return [
        each
        for each in failing
        if any(fnmatchcase(each.id, pattern) for pattern in patterns) and _ends(failure) <= _ends(each)
    ]


def _ends(failure: Failure) -> set[str]:
    """The terminal statuses that the findings name. A revived run explains nothing about runs that ended otherwise."""
    found = (_END.search(finding.message) for finding in failure.verdict.findings)
    return {match[1] for match in found if match is not None}
