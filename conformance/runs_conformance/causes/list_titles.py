"""The title and fix of the cause on lists that are wrong only in part: which of them, and in what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from runs_conformance.causes.failure import Failure, join_fixes, most_urgent
from runs_conformance.causes.families import HAS_MORE, LIST_PARAMETERS, are_of_one_family
from runs_conformance.causes.object_titles import title_of_foreign_items
from runs_conformance.model.json import is_array
from runs_conformance.model.verdict import Finding

_PAGES = "paging.pages_hold_what_comes_next"
_SHORT_PAGES = "paging.pages_are_full"
_LACKS_ITEMS = re.compile(r"the page .*does not contain the (?:next )?items")
"""A page that is another one than without its cursor."""
_CURSORS = ("`after`", "`before`")
_PAGE_WITH_CURSOR = re.compile(r"the page (after|before) (\S+) contains \2")
_AFTER_EXCLUDES = "paging.after_excludes_its_item"
_BY_RUN = "listing.messages_can_be_listed_by_run"
_BY_RUN_COMPLETE = "listing.listing_by_run_misses_no_message"
_DEFAULT_ORDER = "listing.newest_come_first_by_default"
_ALL_LISTS = "lists"
_MAX_OWN_FIXES = 3
"""With more ignored parameters, one fix for all of them says more than that of each rule."""


def describe_lists(failures: Sequence[Failure], passing: Collection[str]) -> tuple[str, str]:
    """Title and fixes of lists that break only the rules on filters, order and pages.

    The title says which parameters each list ignores, and which items it loses. Both are empty if other rules fail, or
    if the only failing rule has a better title. `list_messages` applies `run_id` after `limit` if its pages show only,
    but not all, messages of the run.
    """
    if title := title_of_foreign_items(most_urgent(failures)):
        return title, ""
    inclusive = _inclusive_cursors(failures)
    if len(failures) == 1 and inclusive:
        return _name_inclusive(inclusive[0]), ""
    if len(failures) == 1 and failures[0].id == _BY_RUN:
        return "list_messages does not filter by `run_id`", ""
    late = next((each for each in failures if _BY_RUN in passing and _loses_items_to_limit(each)), None)
    if (len(failures) == 1 and late is None) or not are_of_one_family(most_urgent(failures)):
        return "", ""
    by_run = _fail_by_run(failures)
    wrong = next((each for each in failures if each.id == HAS_MORE and not _follows_from_run(each, by_run)), None)
    ignored = _ignored_parameters(failures, inclusive, without=late)
    lost = [each for each in _lost_items(failures, late, by_run) if each[0] not in inclusive]
    parts = _name_ignored(ignored) + _name_lost(lost)
    parts += ["lists apply `run_id` after `limit`"] if late else []
    parts += map(_name_inclusive, inclusive)
    parts += _name_short_pages(failures, ignored) if late is None and not lost else []
    parts += [_name_has_more(wrong, parts)] if wrong else []
    own = [failure for failure in failures if not _follows_from_run(failure, by_run)]
    fixed = [each for each in (late, wrong) if each is not None] if late and not ignored else own
    return _begin("; ".join(parts)), join_fixes(fixed) if len(ignored) <= _MAX_OWN_FIXES else ""


def _begin(title: str) -> str:
    """The title with a capital, unless it begins with the name of an operation."""
    return title if title.startswith("list_") else title[:1].upper() + title[1:]


def _name_ignored(ignored: Sequence[tuple[str, str]]) -> list[str]:
    """A statement for each list, or for all, with the parameters that it ignores."""
    by_list: dict[str, list[str]] = {}
    for name, subject in ignored:
        by_list.setdefault(subject, []).append(name)
    return [
        f"{subject} {'ignore' if subject == _ALL_LISTS else 'ignores'} "
        + " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        for subject, names in by_list.items()
    ]


def _lost_items(failures: Sequence[Failure], late: Failure | None, by_run: bool) -> list[tuple[str, str]]:
    """The cursors with which a page lacks items although the list applies them, each with the list.

    Lists of messages do not count if `run_id` is applied after `limit`, which loses items, too.
    """
    return [
        (name, finding.operation or _ALL_LISTS)
        for name in _CURSORS
        for failure in failures
        if failure.id in LIST_PARAMETERS[name] and not _follows_from_run(failure, by_run)
        for finding in failure.verdict.findings
        if _LACKS_ITEMS.match(finding.message) and not (late is not None and finding.operation == "list_messages")
    ]


def _name_lost(lost: Sequence[tuple[str, str]]) -> list[str]:
    """A statement on the lists that lose items, and with which cursors."""
    subjects, names = {subject for _, subject in lost}, dict.fromkeys(name for name, _ in lost)
    subject = subjects.pop() if len(subjects) == 1 else _ALL_LISTS
    verb = "lose" if subject == _ALL_LISTS else "loses"
    return [f"{subject} {verb} items with {' and '.join(names)}"] if lost else []


def _name_short_pages(failures: Sequence[Failure], ignored: Sequence[tuple[str, str]]) -> list[str]:
    """State which lists have short pages; nothing if one of them ignores a parameter, which may be the reason."""
    ignoring = {subject for _, subject in ignored}
    short = [_list_of([failure]) for failure in failures if failure.id == _SHORT_PAGES]
    is_explained = _ALL_LISTS in ignoring or not ignoring.isdisjoint(short)
    return [] if is_explained else [f"pages of {subject} are short" for subject in short]


def _name_has_more(wrong: Failure, parts: Sequence[str]) -> str:
    """State that `has_more` is wrong; names the list unless an earlier part of the title does."""
    subject = _list_of([wrong])
    is_known = bool(parts) and (subject == _ALL_LISTS or any(part.startswith(subject) for part in parts))
    return f"`has_more`{'' if is_known else f' of {subject}'} is wrong"


def _ignored_parameters(
    failures: Sequence[Failure], inclusive: Sequence[str], without: Failure | None
) -> list[tuple[str, str]]:
    """The parameters that lists ignore, each with the list, as far as no other parameter explains the failure."""
    by_run = _fail_by_run(failures)
    failures = [
        failure
        for failure in failures
        if failure is not without
        and not _follows_from_run(failure, by_run)
        and (failure.id != _PAGES or "after" in failure.parameters or not failure.parameters)
    ]
    named = {
        "the default order" if name == "`order`" and {each.id for each in violated} == {_DEFAULT_ORDER} else name: (
            violated
        )
        for name, related in LIST_PARAMETERS.items()
        if name not in inclusive and (violated := [failure for failure in failures if failure.id in related])
    }
    return [
        (name, _list_of(violated))
        for name, violated in named.items()
        # A page may be short whichever parameter was ignored, and if it was filtered too late.
        if {failure.id for failure in violated} != {_SHORT_PAGES} and any(map(_findings_of_ignoring, violated))
    ]


def _list_of(failures: Sequence[Failure]) -> str:
    """The operation that all these failures are about, or all lists if there are several."""
    names = {finding.operation or _ALL_LISTS for failure in failures for finding in _findings_of_ignoring(failure)}
    return names.pop() if len(names) == 1 else _ALL_LISTS


def _findings_of_ignoring(failure: Failure) -> list[Finding]:
    """The findings that may show an ignored cursor: all but those of pages that lack items."""
    return [finding for finding in failure.verdict.findings if not _LACKS_ITEMS.match(finding.message)]


def _inclusive_cursors(failures: Sequence[Failure]) -> list[str]:
    """The cursors whose item is on the page that should begin after it, or end before it.

    A page may begin with the item of `after` because it is the first of the list, and `after` is ignored.
    """
    including = {failure.id for failure in failures if _includes_cursor(failure)}
    is_ignored = any(failure.id == _PAGES and _findings_of_ignoring(failure) for failure in failures)
    return [
        name
        for name in _CURSORS
        if any(id_ in including for id_ in LIST_PARAMETERS[name]) and not (name == _CURSORS[0] and is_ignored)
    ]


def _name_inclusive(cursor: str) -> str:
    return f"{cursor} includes the item that it names"


def _includes_cursor(failure: Failure) -> bool:
    """Whether every wrong page begins with the item named by `after`, or ends with the one named by `before`."""
    if failure.id != _AFTER_EXCLUDES and failure.id not in LIST_PARAMETERS["`before`"]:
        return False
    return all(
        (found := _PAGE_WITH_CURSOR.fullmatch(finding.message)) is not None
        and is_array(finding.actual)
        and [*(finding.actual[:1] if found[1] == "after" else finding.actual[-1:])] == [found[2]]
        for finding in failure.verdict.findings
    )


def _loses_items_to_limit(failure: Failure) -> bool:
    return failure.id == _BY_RUN_COMPLETE and "limit" in failure.parameters


def _fail_by_run(failures: Iterable[Failure]) -> bool:
    return any(failure.id in LIST_PARAMETERS["`run_id`"] for failure in failures)


def _follows_from_run(failure: Failure, by_run: bool) -> bool:
    """Whether a failure concerns only messages filtered by `run_id`, while a rule on `run_id` fails."""
    operations = {finding.operation for finding in failure.verdict.findings}
    return (
        by_run
        and "run_id" in failure.parameters
        and operations <= {"list_messages"}
        and failure.id not in LIST_PARAMETERS["`run_id`"]
    )
