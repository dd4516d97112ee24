"""Cursors, `has_more`, and traversal from page to page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from runs_conformance.contract.operation import response_kind_of
from runs_conformance.evidence.comparable_pages import complete_page_for, is_shared_with_others
from runs_conformance.evidence.list_part import (
    MESSAGES,
    MESSAGES_OF_RUN,
    RUNS,
    STEPS,
    part_name,
    parts_of_lists,
    pass_for_list,
)
from runs_conformance.evidence.observation import all_observations
from runs_conformance.evidence.page import LACKS_IDS, UNKNOWN_ORDER, Listing, Page, listings, pages
from runs_conformance.evidence.pagination import (
    PageComparison,
    PageTraversal,
    continued_pages,
    contradicted_pages,
    page_comparisons,
    page_traversals,
)
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, convention, observed, schema
from runs_conformance.model.verdict import Inconclusive, Passed, Result, Suspicion

_SPEC = "openai-openapi f85dbe2 openapi.yaml"
_CURSOR = schema(f"{_SPEC} parameter after: an object ID that defines your place in the list")
_MORE = schema(f"{_SPEC} ListRunsResponse.has_more and its like")
_BEFORE = observed("supercompat contracts/listMessages, against the real service")
_PAGE_ENDS = observed("recorded traffic: held on 94 of 94 pages with items and on 18 of 18 empty ones")
_NO_SOURCE = convention("no record says what the service did")

_SEVERAL = "a page of {} with several items"
_AFTER = "a page of {} after a cursor"
_BEFORE_CURSOR = "a page of {} before a cursor"
_FULL = "a full page of {}"
_MORE_FOLLOW = "a page of {} with more items after it"
_WALK = "a walk through {}"
_UNKNOWN_CURSOR = "a request to {} with an unknown cursor"
_LISTS = (RUNS, MESSAGES, STEPS)

_LARGE = 50
"""The number of items to which some servers limit every page, or a whole list."""

_LARGE_PAGE = f"a page of {{}} with {_LARGE} items or more, in a list of more than {_LARGE}"


@rule(
    units=pages,
    level=Level.MUST,
    source=_CURSOR,
    capability="listing",
    clauses=("after-is-exclusive-and-complete",),
    occasions=3,
    needs_parts=parts_of_lists(_SEVERAL, *_LISTS),
)
def items_are_not_repeated(page: Page) -> Iterator[Result]:
    """No item appears twice on a page.

    Clients would show or process it twice. Items of different parents that share an id are not one item.

    Fix: Select each object once, also where the query joins several tables.
    """
    if len(page.items) > 1:
        counts = Counter((item.id, item.text("run_id"), item.text("thread_id")) for item in page.items if item.id)
        repeated = next((id_ for (id_, *_), count in counts.items() if count > 1), None)
        if repeated is not None:
            yield page.exchange.finding(f"{repeated} appears twice on this page", "/data")
        else:
            yield Inconclusive(LACKS_IDS) if page.lacks_ids else pass_for_list(page, _SEVERAL)


@rule(
    units=pages,
    level=Level.MUST,
    source=_CURSOR,
    capability="listing",
    clauses=("after-is-exclusive-and-complete",),
    needs_parts=parts_of_lists(_AFTER, *_LISTS),
)
def after_excludes_its_item(page: Page) -> Iterator[Result]:
    """A page requested with `after` does not contain the item that `after` names.

    A client that follows the cursor would see it twice.

    Fix: Start the page with the item after the cursor.
    """
    after = page.query.get("after")
    if after is not None and page.items and not page.has_both_cursors:
        repeated = [item for item in page.items if item.id == after]
        if any(not item.is_misplaced for item in repeated):
            yield page.exchange.finding(f"the page after {after} contains {after}", "/data", actual=list(page.ids))
        elif repeated:
            yield Suspicion(f"the page after {after} contains an object of another parent with this id")
        else:
            yield Inconclusive(LACKS_IDS) if page.lacks_ids else pass_for_list(page, _AFTER)


@rule(
    units=page_comparisons,
    level=Level.MUST,
    source=_CURSOR,
    capability="listing",
    clauses=("after-is-exclusive-and-complete", "limit-is-honoured"),
    needs_complete_history=True,
    needs_parts=(*parts_of_lists(_AFTER, *_LISTS), *parts_of_lists(_FULL, MESSAGES_OF_RUN)),
)
def pages_hold_what_comes_next(comparison: PageComparison) -> Iterator[Result]:
    """A page holds the items that follow its cursor in the requested order, without gaps.

    A gap loses objects for every client that reads a list page by page. Compared with a page that held the whole list.

    Fix: Select the items after the cursor in the same total order that the list has.
    """
    actual, expected = comparison.ids, comparison.expected_ids[: len(comparison.ids)]
    if comparison.lacks_ids:
        yield Inconclusive(LACKS_IDS)
    elif actual != expected or (not actual and comparison.expected_ids and not comparison.is_shared):
        expected = expected or comparison.expected_ids[:1]
        message = (
            "the page is the same as without its cursor"
            if actual and comparison.is_without_cursor
            else "the page does not contain the next items of the list"
        )
        yield comparison.page.exchange.finding(message, "/data", list(expected), list(actual))
    elif not comparison.is_shared or actual:
        page = comparison.page
        if "after" in page.query:
            yield pass_for_list(page, _AFTER, bool(actual))
        else:
            yield pass_for_list(page, _FULL, len(actual) == page.limit)


def _pages_with_known_rest(history: History) -> Iterable[PageComparison]:
    return (*page_comparisons(history), *contradicted_pages(history), *continued_pages(history))


@rule(
    units=_pages_with_known_rest,
    level=Level.MUST,
    source=_MORE,
    capability="listing",
    clauses=("after-is-exclusive-and-complete",),
    needs_complete_history=True,
    needs_parts=(*parts_of_lists(_MORE_FOLLOW, *_LISTS), *parts_of_lists(_LARGE_PAGE, MESSAGES)),
)
def has_more_is_true_exactly_where_more_follows(comparison: PageComparison) -> Iterator[Result]:
    """`has_more` is true if items follow the page, and false if none do.

    If `has_more` is wrongly false, clients stop and miss items; if it is wrongly true, they send a needless request.
    Some servers end every list at their own limit, so a pass needs a list that is longer than the usual ones.

    Fix: Read one item more than the limit to find out whether more follow.
    """
    has_more, follows = comparison.page.exchange.member("has_more"), bool(comparison.remaining_ids)
    if comparison.lacks_ids:
        yield Inconclusive(LACKS_IDS)
        return
    if (
        not isinstance(has_more, bool)
        or (comparison.is_shared and not follows)
        or comparison.ids != comparison.expected_ids[: len(comparison.ids)]
    ):
        return
    if has_more is follows:
        is_large = len(comparison.ids) >= _LARGE < len(comparison.expected_ids)
        yield pass_for_list(comparison.page, _LARGE_PAGE if is_large else _MORE_FOLLOW, is_large or follows)
    else:
        remaining = f"{len(comparison.remaining_ids)} items follow" if follows else "nothing follows"
        yield comparison.page.exchange.finding(
            f"`has_more` is {str(has_more).lower()}, but {remaining}", "/has_more", follows, has_more
        )


@rule(
    units=page_traversals,
    level=Level.MUST,
    source=_CURSOR,
    capability="listing",
    clauses=("after-is-exclusive-and-complete",),
    needs_parts=parts_of_lists(_WALK, *_LISTS),
)
def walks_reach_every_item_once(traversal: PageTraversal) -> Iterator[Result]:
    """Reading a list page by page with `after` yields every item exactly once.

    Client libraries iterate over lists this way.

    Fix: Use one total order for all pages, and continue with the item right after the cursor.
    """
    ids = [id_ for page in traversal.pages for id_ in page.ids]
    last = traversal.pages[-1].exchange
    repeated = next((id_ for id_ in ids if ids.count(id_) > 1), None)
    missing = (
        [id_ for id_ in traversal.complete.ids if id_ not in ids]
        if traversal.complete and not traversal.is_shared
        else []
    )
    if any(page.lacks_ids for page in traversal.pages):
        yield Inconclusive(LACKS_IDS)
    elif repeated is not None:
        yield last.finding(f"reading {len(traversal.pages)} pages returned {repeated} twice", "/data")
    elif missing:
        yield last.finding(f"reading {len(traversal.pages)} pages missed {', '.join(missing[:3])}", "/data")
    else:
        yield pass_for_list(traversal.pages[0], _WALK)


@rule(
    units=listings,
    level=Level.SHOULD,
    source=_BEFORE,
    capability="listing",
    clauses=("before-is-exclusive",),
    needs_complete_history=True,
    needs_parts=parts_of_lists(_BEFORE_CURSOR, *_LISTS),
)
def before_ends_at_its_item(listing: Listing) -> Iterator[Result]:
    """A page requested with `before` holds items that precede the item named by `before`, in the requested order.

    Clients page backwards with it. The OpenAPI document only calls `before` a cursor and does not say whether a limited
    page holds the first of these items or the nearest; both pass.

    Fix: Select only items that precede the cursor, and sort them in the requested order.
    """
    is_shared = is_shared_with_others(listing)
    for page in listing.pages:
        before = page.query.get("before")
        if before is None or page.has_both_cursors:
            continue
        if before in page.ids:
            # Such a page is wrong whatever the rest of the list is.
            yield page.exchange.finding(f"the page before {before} contains {before}", "/data", actual=list(page.ids))
            continue
        complete = None if is_shared else complete_page_for(listing, page)
        if complete is None or before not in complete.ids:
            continue
        if page.lacks_ids or complete.lacks_ids:
            yield Inconclusive(LACKS_IDS)
            continue
        preceding = complete.ids[: complete.ids.index(before)]
        preceding_in_documented_order = complete.ids[: complete.ids.index(before) : -1]
        if _precede(page.ids, preceding) or (
            page.order == UNKNOWN_ORDER and _precede(page.ids, preceding_in_documented_order)
        ):
            yield pass_for_list(page, _BEFORE_CURSOR, bool(page.items))
        else:
            yield page.exchange.finding(
                f"the page before {before} does not contain the items that precede it",
                "/data",
                list(preceding),
                list(page.ids),
            )


def _precede(ids: tuple[str, ...], preceding: tuple[str, ...]) -> bool:
    """Whether a page holds the first or the nearest of the items that precede its cursor, and some if there are any."""
    count = len(ids)
    return ids in (preceding[:count], preceding[len(preceding) - count :]) and bool(count) == bool(preceding)


@rule(
    units=pages,
    level=Level.SHOULD,
    source=_PAGE_ENDS,
    capability="listing",
    clauses=("first-and-last-id-match-page",),
    needs_parts=parts_of_lists(_SEVERAL, *_LISTS),
)
def first_and_last_id_are_those_of_the_page(page: Page) -> Iterator[Result]:
    """`first_id` and `last_id` are the ids of the first and last item of the page, or null on an empty page.

    Client libraries request the page after `last_id`; swapped or stale ids make them loop.

    Fix: Take `first_id` and `last_id` from the items that the page contains.
    """
    ends = {"first_id": page.ids[0], "last_id": page.ids[-1]} if page.items else {"first_id": None, "last_id": None}
    for (name, expected), position in zip(ends.items(), ("first", "last"), strict=True):
        actual = page.exchange.member(name)
        if not isinstance(actual, Absent):
            if expected == "":
                yield Inconclusive(LACKS_IDS)
            elif actual == expected:
                yield pass_for_list(page, _SEVERAL, len(page.items) > 1)
            else:
                item = f"the id of the page's {position} item" if page.items else "null on an empty page"
                yield page.exchange.finding(f"`{name}` is not {item}", f"/{name}", expected, actual)


def _requests_with_unknown_cursor(history: History) -> Iterator[Exchange]:
    """Every list request of the suite with a cursor that is the id of no object in the history."""
    known_ids = {observation.id for observation in all_observations(history)}
    for exchange in history:
        kind = response_kind_of(exchange.operation) or ""
        cursors = [value for name, value in exchange.request.query if name in ("after", "before")]
        if exchange.step and kind.endswith("_list") and any(cursor not in known_ids for cursor in cursors):
            yield exchange


@rule(
    units=_requests_with_unknown_cursor,
    level=Level.MAY,
    source=_NO_SOURCE,
    capability="listing",
    clauses=("after-is-exclusive-and-complete",),
    formerly=("paging.unknown_cursors_lead_nowhere",),
    needs_parts=parts_of_lists(_UNKNOWN_CURSOR, *_LISTS),
)
def unknown_cursors_are_refused_or_empty(exchange: Exchange) -> Iterator[Result]:
    """A page requested with an unknown id as its cursor is refused or empty.

    No source says whether to refuse or to return nothing. A page of items, as if no cursor were given, makes a client
    that resumes after a deleted object start from the beginning.

    Fix: Refuse an unknown cursor, or return an empty page.
    """
    if exchange.accepted or exchange.refused:
        if exchange.accepted and exchange.member("data"):
            yield exchange.finding("the page has items although its cursor does not exist", "/data")
        else:
            yield Passed(part_name(_UNKNOWN_CURSOR, str(exchange.operation)))
