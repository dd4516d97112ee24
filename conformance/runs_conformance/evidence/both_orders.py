"""Lists that pages show in both orders, and pages requested without an order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.comparable_pages import (
    are_comparable,
    has_cursor,
    is_complete,
    is_shared_with_others,
    lacks_what_existed,
    shows_the_same_items,
)
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.history import History


@dataclass(frozen=True, eq=False)
class BothOrders:
    """Complete pages of one unchanged list in both orders.

    `is_lagging` says whether one of them lacks an object that was created before and is listed only later.
    """

    ascending: Page
    descending: Page
    history: History
    is_shared: bool
    is_lagging: bool

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


@lru_cache(maxsize=16)
def lists_in_both_orders(history: History) -> tuple[BothOrders, ...]:
    """Every list with complete pages in both orders.

    The descending page may be full, if it shows the same items as the ascending one.
    """
    return tuple(
        BothOrders(
            up,
            down,
            history,
            is_shared_with_others(listing),
            lacks_what_existed(listing, up) or lacks_what_existed(listing, down),
        )
        for listing in listings(history)
        for up in listing.pages
        if up.order == "asc" and is_complete(up)
        for down in listing.pages
        if down.order == "desc"
        and (is_complete(down) or shows_the_same_items(up, down))
        and are_comparable(listing, up, down)
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
    if has_cursor(page) or len(page.items) < 2 or page.lacks_ids:
        return DefaultOrderPage(page)
    shown: dict[str | None, set[tuple[str, ...]]] = {}
    for other in listing.pages:
        if shows_the_same_items(page, other) and are_comparable(listing, page, other):
            shown.setdefault(other.query.get("order"), set()).add(other.ids)
    if any(len(sequences) > 1 for sequences in shown.values()):
        return DefaultOrderPage(page)
    ascending, descending = (next(iter(shown.get(order, ())), ()) for order in ("asc", "desc"))
    if ascending != descending[::-1]:
        return DefaultOrderPage(page)
    return DefaultOrderPage(page, ascending, descending)
