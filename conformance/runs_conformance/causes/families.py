"""Rules of a theme that fail for the same cause, so that one fix is enough."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.failure import Failure
from runs_conformance.causes.unvalidated_requests import OUTPUT_RULES
from runs_conformance.model.verdict import Finding

NEVER_LOCKED = ("lock.no_", "races.two_runs_never_work_together", "races.one_of_two_runs_at_once_is_taken")
STAYS_LOCKED = ("lock.message_is_taken_after_the_end", "lock.run_is_taken_after_the_end", "lock.refused_run_holds_no_")
_STILL_THERE = (
    "deletion.what_is_deleted_cannot_be_read",
    "deletion.deleted_",
    "deletion.nothing_is_deleted_twice",
)
_OPEN_TO_OTHERS = (
    "tenancy.objects_are_their_tenants_own",
    "tenancy.lists_show_the_tenants_own_only",
    "tenancy.refusals_change_nothing",
)
LIST_PARAMETERS = {
    "`order`": (
        "listing.order_is_kept",
        "listing.ascending_reverses_descending",
        "listing.newest_come_first_by_default",
    ),
    "`limit`": ("paging.limit_is_kept", "paging.twenty_is_the_default", "paging.pages_are_full"),
    "`after`": ("paging.after_excludes_its_item", "paging.pages_hold_what_comes_next"),
    "`before`": ("paging.before_ends_at_its_item",),
    "`run_id`": ("listing.messages_can_be_listed_by_run", "listing.listing_by_run_misses_no_message"),
}
"""For each parameter of a list, the rules that fail if a server ignores it."""
HAS_MORE = "paging.has_more_is_true_exactly_where_more_follows"
LIST_CONSEQUENCES = ("paging.walks_reach_every_item_once", HAS_MORE)
"""Rules that fail whichever of the parameters a server ignores."""

_FAMILIES: tuple[tuple[str, ...], ...] = (
    NEVER_LOCKED,
    STAYS_LOCKED,
    _STILL_THERE,
    _OPEN_TO_OTHERS,
    (*sum(LIST_PARAMETERS.values(), ()), *LIST_CONSEQUENCES),
    OUTPUT_RULES,
    ("auth.beta_header_is_required", "auth.missing_beta_header_is_invalid_beta", "auth.first_beta_is_over"),
    ("references.",),
)
"""The beginnings of the ids of rules that one fix corrects, and that the title of their theme describes."""
_ALIKE = (
    ("races.outputs_are_taken_once", "races.one_of_two_submissions_is_taken"),
    ("races.changes_outlive_the_run", "races.of_two_changes_one_stands"),
)
"""Other rules that one fix corrects; the title of one describes all."""


def are_of_one_family(failures: Sequence[Failure]) -> bool:
    """Whether all these rules belong to one family."""
    return any(all(failure.id.startswith(family) for failure in failures) for family in _FAMILIES)


def have_one_fix(one: Failure, other: Failure) -> bool:
    """Whether one fix resolves both failures: both are of a family, say so, or show the same value."""
    return (
        are_of_one_family((one, other))
        or any(one.id in alike and other.id in alike for alike in _ALIKE)
        or bool(one.fix and one.fix == other.fix)
        or _show_same_value(one, other)
    )


def _show_same_value(one: Failure, other: Failure) -> bool:
    shown = list(map(_place, other.verdict.findings))
    return any(finding.pointer and _place(finding) in shown for finding in one.verdict.findings)


def _place(finding: Finding) -> tuple[str, str]:
    return finding.exchange, finding.pointer
