"""The titles of themes that are more specific where only a part of the theme is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from runs_conformance.causes.failure import Failure

_LIST_PARAMETERS = {
    "`order`": ("order_is_kept", "ascending_reverses_descending", "newest_come_first_by_default"),
    "`limit`": ("limit_is_kept", "twenty_is_the_default", "pages_are_full"),
    "`after`": ("after_excludes_its_item", "pages_hold_what_comes_next"),
    "`before`": ("before_ends_at_its_item",),
    "`run_id`": ("messages_can_be_listed_by_run", "listing_by_run_misses_no_message"),
}
"""For each parameter of a list, the rules that fail if a server ignores it."""
_LIST_CONSEQUENCES = ("walks_reach_every_item_once", "has_more_is_true_exactly_where_more_follows")
"""Rules that fail whichever of the parameters a server ignores."""


def _title_of_lists(failures: Sequence[Failure]) -> str:
    """The parameters that lists do not follow; empty if more is wrong."""
    names = ignored_parameters(failures)
    if {_rule_of(failure) for failure in failures}.difference(_LIST_CONSEQUENCES, *_LIST_PARAMETERS.values()):
        return ""
    return f"Lists do not follow {names}" if names else ""


def ignored_parameters(failures: Sequence[Failure]) -> str:
    """The names of the parameters that lists ignore; empty if they follow all."""
    rules = {_rule_of(failure) for failure in failures}
    return ", ".join(name for name, breaking in _LIST_PARAMETERS.items() if rules.intersection(breaking))


def _rule_of(failure: Failure) -> str:
    return failure.id.partition(".")[2]


_NEVER_LOCKED = ("lock.no_", "races.two_runs_never_work_together", "races.one_of_two_runs_at_once_is_taken")
_STAYS_LOCKED = ("lock.message_is_taken_after_the_end", "lock.run_is_taken_after_the_end", "lock.refused_run_holds_no_")
"""The beginnings of the ids of rules that fail if a thread is not locked, and if its lock is not released."""


def _title_of_lock(failures: Sequence[Failure]) -> str:
    """The title that says which half of locking is wrong, if any; empty if both are."""
    is_never_locked, stays_locked = (
        any(failure.id.startswith(prefixes) for failure in failures) for prefixes in (_NEVER_LOCKED, _STAYS_LOCKED)
    )
    if not is_never_locked and not stays_locked:
        return "Requests beside an active run, or at the same moment, are not handled as documented"
    if is_never_locked and stays_locked:
        return ""
    return "A thread is not locked by its active run" if is_never_locked else "A thread stays locked after its run"


def _title_of_access(failures: Sequence[Failure]) -> str:
    """The title of failing rules on tenants; empty if others fail, or only one, which has a better title."""
    is_tenancy = len(failures) > 1 and all(failure.subject == "tenancy" for failure in failures)
    return "Objects of one key are open to another" if is_tenancy else ""


_TITLES: Mapping[str, Callable[[Sequence[Failure]], str]] = {
    "access": _title_of_access,
    "lists": _title_of_lists,
    "lock": _title_of_lock,
}


def specific_title(kind: str, failures: Sequence[Failure]) -> str:
    """The title of a theme of this kind for the part of it that fails; empty if the theme as a whole is wrong."""
    return _TITLES[kind](failures) if kind in _TITLES else ""
