"""Pages compared with a complete page of the same list, and traversals by cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import is_quiescent, item_count, may_end_early
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

SHARED_KINDS = frozenset({"assistant"})
"""Kinds whose lists other clients may change at any time. In them, only objects of this history are compared."""


@dataclass(frozen=True, eq=False)
class PageComparison:
    """A page and a complete page of the same, unchanged list in the same order.

    `expected_ids` are the ids that the complete page has after the page's cursor, whatever the page's limit; `ids` are
    those of the page. If the list `is_shared` with other clients, both contain only objects created in this history.
    """

    page: Page
    complete: Page
    expected_ids: tuple[str, ...]
    ids: tuple[str, ...]
    is_shared: bool

    @property
    def lacks_ids(self) -> bool:
        """Whether an item on one of the pages has no id."""
        return any("" in ids for ids in (self.ids, self.expected_ids, self.page.ids, self.complete.ids))

    @property
    def remaining_ids(self) -> tuple[str, ...]:
        """The ids that follow this page."""
        return self.expected_ids[len(self.ids) :]


@dataclass(frozen=True, eq=False)
class BothOrders:
    """Complete pages of one unchanged list in both orders."""

    ascending: Page
    descending: Page
    history: History
    is_shared: bool

    @property
    def lacks_ids(self) -> bool:
        """Whether an item on one of the pages has no id."""
        return self.ascending.lacks_ids or self.descending.lacks_ids


@dataclass(frozen=True, eq=False)
class DefaultOrderPage:
    """A page requested without `order`, and the ids of the same, unchanged list as both orders show them.

    `ascending_ids` and `descending_ids` are empty unless each is the exact reverse of the other, and every page that
    shows the same items repeats one order for each request. Only then do they tell which order items have that were
    created in the same second.
    """

    page: Page
    ascending_ids: tuple[str, ...] = ()
    descending_ids: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PageTraversal:
    """Pages from the start to the end of one unchanged list, each requested `after` the last item of the previous one.

    `complete` is a complete page of the list, if there is one.
    """

    pages: tuple[Page, ...]
    complete: Page | None
    is_shared: bool


def is_complete(page: Page) -> bool:
    """Whether a page shows its complete list: it has no cursor, is not full, and `has_more` is false."""
    return _is_short(page) and page.exchange.member("has_more") is not True


def _is_short(page: Page) -> bool:
    return not _has_cursor(page) and page.limit is not None and len(page.items) < page.limit


def _has_cursor(page: Page) -> bool:
    return "after" in page.query or "before" in page.query


def is_shared_with_others(listing: Listing) -> bool:
    """Whether other clients may change a list: by its kind, or because it shows objects that do not belong to it."""
    return listing.kind in SHARED_KINDS or any(item.is_misplaced for page in listing.pages for item in page.items)


def _own_ids(listing: Listing) -> set[str]:
    """The ids of the objects that were created here and belong to a list."""
    thread_ids = {page.exchange.path.get("thread_id") for page in listing.pages}
    return {
        creation.id
        for creation in creations(listing.history)
        if creation.kind == listing.kind and (thread_ids == {None} or creation.thread in thread_ids)
    }


@lru_cache(maxsize=16)
def page_comparisons(history: History) -> tuple[PageComparison, ...]:
    """Every page of which a complete page is known."""
    return tuple(each for listing in listings(history) for each in _page_comparisons(listing))


@lru_cache(maxsize=16)
def contradicted_pages(history: History) -> tuple[PageComparison, ...]:
    """Every page that claims to be complete, though other pages of the same, unchanged list show more items."""
    return tuple(
        PageComparison(page, page, (*page.ids, *_ids_shown_elsewhere(listing, page)), page.ids, is_shared=False)
        for listing in listings(history)
        if not is_shared_with_others(listing)
        for page in listing.pages
        if is_complete(page) and _is_contradicted(listing, page)
    )


@lru_cache(maxsize=16)
def lists_in_both_orders(history: History) -> tuple[BothOrders, ...]:
    """Every list with complete pages in both orders.

    The descending page may be full, if it shows the same items as the ascending one.
    """
    return tuple(
        BothOrders(up, down, history, is_shared_with_others(listing))
        for listing in listings(history)
        for up in listing.pages
        if up.order == "asc" and is_complete(up)
        for down in listing.pages
        if down.order == "desc"
        and (is_complete(down) or _shows_the_same_items(up, down))
        and _are_comparable(listing, up, down)
    )


@lru_cache(maxsize=16)
def default_order_pages(history: History) -> tuple[DefaultOrderPage, ...]:
    """Every page requested without `order` and without `before`, for which another rule judges the order, too."""
    return tuple(
        _with_both_orders(listing, page)
        for listing in listings(history)
        for page in listing.pages
        if not page.query.keys() & {"order", "before"}
    )


def _with_both_orders(listing: Listing, page: Page) -> DefaultOrderPage:
    if _has_cursor(page) or len(page.items) < 2 or page.lacks_ids:
        return DefaultOrderPage(page)
    shown: dict[str | None, set[tuple[str, ...]]] = {}
    for other in listing.pages:
        if _shows_the_same_items(page, other) and _are_comparable(listing, page, other):
            shown.setdefault(other.query.get("order"), set()).add(other.ids)
    if any(len(sequences) > 1 for sequences in shown.values()):
        return DefaultOrderPage(page)
    ascending, descending = (next(iter(shown.get(order, ())), ()) for order in ("asc", "desc"))
    if ascending != descending[::-1]:
        return DefaultOrderPage(page)
    return DefaultOrderPage(page, ascending, descending)


def _shows_the_same_items(complete: Page, page: Page) -> bool:
    """Whether a page without a cursor shows the same items as a complete page, regardless of limit and `has_more`."""
    return not _has_cursor(page) and bool(page.items) and sorted(page.ids) == sorted(complete.ids)


@lru_cache(maxsize=16)
def page_traversals(history: History) -> tuple[PageTraversal, ...]:
    """Every complete traversal of a list by `after`."""
    return tuple(
        PageTraversal(chain, complete_page_for(listing, chain[0]), is_shared_with_others(listing))
        for listing in listings(history)
        for start in listing.pages
        if "after" not in start.query and "before" not in start.query and _has_more(start)
        if len(chain := _follow_cursors(listing, start)) > 1 and not _has_more(chain[-1])
    )


def _page_comparisons(listing: Listing) -> Iterator[PageComparison]:
    is_shared = is_shared_with_others(listing)
    own = _own_ids(listing)
    for page in listing.pages:
        if page.limit is None or page.has_both_cursors or _lacks_what_existed(listing, page):
            continue
        complete = complete_page_for(listing, page)
        ids_after = (
            _ids_after(complete.ids, page.query.get("after")) if complete and "before" not in page.query else None
        )
        if complete is None or ids_after is None:
            continue
        ids = page.ids
        if is_shared:
            ids, ids_after = tuple(i for i in ids if i in own), tuple(i for i in ids_after if i in own)
        yield PageComparison(page, complete, ids_after, ids, is_shared)


def _ids_after(ids: tuple[str, ...], after: str | None) -> tuple[str, ...] | None:
    if after is None:
        return ids
    return ids[ids.index(after) + 1 :] if after in ids else None


def complete_page_for(listing: Listing, page: Page) -> Page | None:
    """The complete page of the same list in the same order as a page, the longest of several; None if there is none."""
    candidates = [
        other
        for other in listing.pages
        if other is not page
        and (other.order == page.order or len(other.items) < 2)  # The order of one item does not matter.
        and _are_comparable(listing, page, other)
        if is_complete(other) or _is_complete_by_others(listing, other)
        if not _is_contradicted(listing, other) and not _lacks_what_existed(listing, other)
    ]
    return max(candidates, key=lambda other: len(other.items), default=None)


def _lacks_what_existed(listing: Listing, page: Page) -> bool:
    """Whether an empty page from the start of a list lacks an object that was created before and is listed later.

    One rule reports that the list lags behind; the page says nothing about cursors and limits.
    """
    if page.items or item_count(page) or page.query.keys() & {"after", "before", "run_id"}:
        return False
    later = {id_ for other in listing.pages if page.exchange.happened_before(other.exchange) for id_ in other.ids}
    return any(
        creation.kind == listing.kind and creation.id in later and creation.exchange.happened_before(page.exchange)
        for creation in creations(listing.history)
    )


def _is_contradicted(listing: Listing, page: Page) -> bool:
    """Whether a page that may end early lacks an item that another page of the same, unchanged list shows."""
    return may_end_early(page) and any(
        not set(other.ids) <= set(page.ids) and _are_comparable(listing, page, other) for other in listing.pages
    )


def _ids_shown_elsewhere(listing: Listing, page: Page) -> list[str]:
    """The ids that other pages of the same, unchanged list show, and this page does not."""
    others = (other for other in listing.pages if _are_comparable(listing, page, other))
    return list(dict.fromkeys(id_ for other in others for id_ in other.ids if id_ not in page.ids))


def _is_complete_by_others(listing: Listing, page: Page) -> bool:
    """Whether other pages of the same, unchanged list prove a page complete, regardless of its limit and `has_more`."""
    if _is_short(page) and _nothing_follows(listing, page):
        return True
    return any(
        other.order != page.order
        and is_complete(other)
        and _shows_the_same_items(other, page)
        and _are_comparable(listing, page, other)
        for other in listing.pages
    )


def _nothing_follows(listing: Listing, page: Page) -> bool:
    """Whether the page after the last item of a page is empty, or no page shows items if there is no last item."""
    if not page.items:
        return not item_count(page) and not any(
            other.items and _are_comparable(listing, page, other) for other in listing.pages
        )
    return any(
        other.query.get("after") == page.ids[-1]
        and "before" not in other.query
        and other.order == page.order
        and not other.items
        and _are_comparable(listing, page, other)
        for other in listing.pages
    )


def _are_comparable(listing: Listing, one: Page, other: Page) -> bool:
    return (
        key_of(one.exchange) is key_of(other.exchange)
        and listing.is_unchanged_between(one, other)
        and all(_list_is_quiescent(listing, page.exchange) for page in (one, other))
    )


def _list_is_quiescent(listing: Listing, exchange: Exchange) -> bool:
    """Whether no run can have added items to the list by itself. Assistants and runs are added only by requests."""
    thread = exchange.path.get("thread_id")
    return thread is None or listing.kind == "run" or is_quiescent(listing.history, thread, exchange)


def _has_more(page: Page) -> bool:
    return bool(page.items) and page.exchange.member("has_more") is True


def _follow_cursors(listing: Listing, start: Page) -> tuple[Page, ...]:
    chain = [start]
    while _has_more(chain[-1]) and len(chain) <= len(listing.pages):
        last = chain[-1]
        candidates = (
            page
            for page in listing.pages
            if page.query == {**start.query, "after": last.ids[-1]}
            and last.exchange.happened_before(page.exchange)
            and _are_comparable(listing, start, page)
        )
        next_page = next(candidates, None)
        if next_page is None:
            break
        chain.append(next_page)
    return tuple(chain)
