"""Pages that can be compared because their list did not change in between, and the complete ones among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from runs_conformance.evidence.complete_list import is_quiescent, item_count, may_end_early, thread_creation
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

SHARED_KINDS = frozenset({"assistant"})
"""Kinds whose lists other clients may change at any time. In them, only objects of this history are compared."""


def is_complete(page: Page) -> bool:
    """Whether a page shows its complete list: it has no cursor, is not full, and `has_more` is false."""
    return _is_short(page) and page.exchange.member("has_more") is not True


def _is_short(page: Page) -> bool:
    return not has_cursor(page) and page.limit is not None and len(page.items) < page.limit


def has_cursor(page: Page) -> bool:
    """Whether a page was requested with a cursor."""
    return "after" in page.query or "before" in page.query


def is_shared_with_others(listing: Listing) -> bool:
    """Whether other clients may change a list: by its kind, or because it shows objects that do not belong to it."""
    return listing.kind in SHARED_KINDS or any(item.is_misplaced for page in listing.pages for item in page.items)


def shows_the_same_items(complete: Page, page: Page) -> bool:
    """Whether a page without a cursor shows the same items as a complete page, regardless of limit and `has_more`."""
    return not has_cursor(page) and bool(page.items) and sorted(page.ids) == sorted(complete.ids)


def complete_page_for(listing: Listing, page: Page) -> Page | None:
    """The complete page of the same list in the same order as a page, the longest of several; None if there is none."""
    candidates = [
        other
        for other in listing.pages
        if other is not page
        and (other.order == page.order or len(other.items) < 2)  # The order of one item does not matter.
        and are_comparable(listing, page, other)
        if is_complete(other) or _is_complete_by_others(listing, other)
        if not is_contradicted(listing, other) and not lacks_what_existed(listing, other)
    ]
    return max(candidates, key=lambda other: len(other.items), default=None)


def lacks_what_existed(listing: Listing, page: Page) -> bool:
    """Whether a page lacks an object that was created before and is listed only later, so that the list lags behind.

    One rule reports that; the page says nothing about orders, cursors and limits. A limit cuts off the last items of a
    page, and an object that a page showed before is no longer delayed.
    """
    return page.exchange.id in _lagging_pages(listing.history)


@lru_cache(maxsize=16)
def _lagging_pages(history: History) -> frozenset[str]:
    """The exchanges of the pages that lack an object which is listed only later."""
    return frozenset(id_ for listing in listings(history) for id_ in _lagging_pages_of(listing))


def _lagging_pages_of(listing: Listing) -> Iterator[str]:
    pages_by_id: dict[str, list[Page]] = {}
    for page in listing.pages:
        for id_ in page.ids:
            pages_by_id.setdefault(id_, []).append(page)
    candidates = [page for page in listing.pages if not page.query.keys() & {"before", "run_id"}]
    for creation in creations(listing.history):
        showing = pages_by_id.get(creation.id, []) if creation.kind == listing.kind else []
        for page in candidates if showing else ():
            if creation.exchange.happened_before(page.exchange) and _lacks_only_yet(page, creation.id, showing):
                yield page.exchange.id


def _lacks_only_yet(page: Page, id_: str, showing: Sequence[Page]) -> bool:
    """Whether a page lacks an object that only later pages show, although its place is on this page."""
    is_later = [page.exchange.happened_before(other.exchange) for other in showing]
    if not page.items and not has_cursor(page):
        return any(is_later) and not item_count(page)
    return all(is_later) and any(_has_place(page, id_, other) for other in showing)


def _has_place(page: Page, id_: str, other: Page) -> bool:
    """Whether an object has its place on a page, to judge by another page of the same list that shows it.

    It comes after the cursor and before an item of the page, or at the end of an ascending list, where the newest is.
    """
    if other.order == page.order:
        ids = other.ids
    elif {other.order, page.order} == {"asc", "desc"}:
        ids = other.ids[::-1]
    else:
        return False
    rest, after = ids[ids.index(id_) + 1 :], page.query.get("after")
    if after is not None and after not in ids[: ids.index(id_)]:
        return False
    is_last = page.order == "asc" and page.exchange.member("has_more") is not True
    return is_last or any(item in rest for item in page.ids)


def is_contradicted(listing: Listing, page: Page) -> bool:
    """Whether a page that may end early lacks an item that another page of the same, unchanged list shows."""
    return may_end_early(page) and any(
        not set(other.ids) <= set(page.ids) and are_comparable(listing, page, other) for other in listing.pages
    )


def _is_complete_by_others(listing: Listing, page: Page) -> bool:
    """Whether other pages of the same, unchanged list prove a page complete, regardless of its limit and `has_more`."""
    if _is_short(page) and _nothing_follows(listing, page):
        return True
    return any(
        other.order != page.order
        and is_complete(other)
        and shows_the_same_items(other, page)
        and are_comparable(listing, page, other)
        for other in listing.pages
    )


def _nothing_follows(listing: Listing, page: Page) -> bool:
    """Whether the page after the last item of a page is empty, or no page shows items if there is no last item."""
    if not page.items:
        return not item_count(page) and not any(
            other.items and are_comparable(listing, page, other) for other in listing.pages
        )
    return any(
        other.query.get("after") == page.ids[-1]
        and "before" not in other.query
        and other.order == page.order
        and not other.items
        and are_comparable(listing, page, other)
        for other in listing.pages
    )


def are_comparable(listing: Listing, one: Page, other: Page) -> bool:
    """Whether two pages show the same list: they were read with one key, and nothing changed the list in between."""
    return (
        key_of(one.exchange) is key_of(other.exchange)
        and listing.is_unchanged_between(one, other)
        and all(_list_is_quiescent(listing, page.exchange) for page in (one, other))
        and not _shows_later_items(listing, one, other)
        and not _shows_later_items(listing, other, one)
    )


def _shows_later_items(listing: Listing, page: Page, other: Page) -> bool:
    """Whether a recorded page shows an item that was created after another page, by a request that is not recorded.

    If the creation of the thread is recorded, so are the requests that follow it. Items after a cursor are older than
    its item, unless the order is ascending.
    """
    if page.exchange.happened_before(other.exchange) or ("after" in page.query and page.order != "asc"):
        return False
    moment = other.exchange.wall
    thread = page.exchange.path.get("thread_id")
    if page.exchange.step is not None or not moment or (thread and thread_creation(listing.history, thread)):
        return False
    known = {creation.id for creation in creations(listing.history)} | {*other.ids}
    return any(
        item.id not in known and (created := item.time("created_at")) is not None and created >= int(moment)
        for item in page.items
    )


def _list_is_quiescent(listing: Listing, exchange: Exchange) -> bool:
    """Whether no run can have added items to the list by itself. Assistants and runs are added only by requests."""
    thread = exchange.path.get("thread_id")
    return thread is None or listing.kind == "run" or is_quiescent(listing.history, thread, exchange)
