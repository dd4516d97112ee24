"""A page beside the whole list that it was cut from: what it should hold is then known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import is_quiescent
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

SHARED_KINDS = frozenset({"assistant"})
"""Kinds whose lists others may change at any time: only what was created here can be followed in them."""


@dataclass(frozen=True, eq=False)
class PageSlice:
    """A page, and a page of the same list in the same order that held all of it, with nothing changed in between.

    `rest` are the ids from the page's cursor on, `ids` those of the page. Of a list that others share, both hold only
    what was created in this history, and `shared` says so.
    """

    page: Page
    complete: Page
    ids_after_cursor: tuple[str, ...]
    ids: tuple[str, ...]
    is_shared: bool

    @property
    def remaining_ids(self) -> tuple[str, ...]:
        """The ids that come after this page."""
        return self.ids_after_cursor[len(self.ids) :]


@dataclass(frozen=True, eq=False)
class BothOrders:
    """One whole list in both orders, with nothing changed in between."""

    ascending: Page
    descending: Page
    history: History
    is_shared: bool


@dataclass(frozen=True, eq=False)
class PageTraversal:
    """Pages of one list, each beginning after the last item of the one before, from the start of the list to its end.

    `whole` is a page that held all of the list, if there was one.
    """

    pages: tuple[Page, ...]
    complete: Page | None
    is_shared: bool


def is_complete(page: Page) -> bool:
    """Whether a page certainly holds all of its list: it has no cursor, is not full, and says that nothing follows."""
    return _is_short(page) and not _has_more(page)


def _is_short(page: Page) -> bool:
    cut = "after" in page.query or "before" in page.query
    return not cut and page.limit is not None and len(page.items) < page.limit


@lru_cache(maxsize=16)
def page_slices(history: History) -> tuple[PageSlice, ...]:
    """Every page that another page shows to be part of a known whole."""
    return tuple(window for listing in listings(history) for window in _page_slices(listing))


@lru_cache(maxsize=16)
def lists_in_both_orders(history: History) -> tuple[BothOrders, ...]:
    """Every list that was seen whole in both orders."""
    return tuple(
        BothOrders(up, down, history, listing.kind in SHARED_KINDS)
        for listing in listings(history)
        for up in listing.pages
        if up.order == "asc" and is_complete(up)
        for down in listing.pages
        if down.order == "desc" and is_complete(down) and _are_comparable(listing, up, down)
    )


@lru_cache(maxsize=16)
def page_traversals(history: History) -> tuple[PageTraversal, ...]:
    """Every list that was walked from its start to its end by `after`."""
    return tuple(
        PageTraversal(chain, complete_page_for(listing, chain[0]), listing.kind in SHARED_KINDS)
        for listing in listings(history)
        for start in listing.pages
        if "after" not in start.query and "before" not in start.query and _has_more(start)
        if len(chain := _follow_cursors(listing, start)) > 1 and not _has_more(chain[-1])
    )


def _page_slices(listing: Listing) -> Iterator[PageSlice]:
    shared = listing.kind in SHARED_KINDS
    own = {creation.id for creation in creations(listing.history) if creation.kind == listing.kind}
    for page in listing.pages:
        if page.limit is None or {"after", "before"} <= page.query.keys():
            continue
        whole = complete_page_for(listing, page)
        rest = _ids_after(whole.ids, page.query.get("after")) if whole and "before" not in page.query else None
        if whole is None or rest is None:
            continue
        ids = page.ids
        if shared:
            ids, rest = tuple(i for i in ids if i in own), tuple(i for i in rest if i in own)
        yield PageSlice(page, whole, rest, ids, shared)


def _ids_after(ids: tuple[str, ...], after: str | None) -> tuple[str, ...] | None:
    if after is None:
        return ids
    return ids[ids.index(after) + 1 :] if after in ids else None


def complete_page_for(listing: Listing, page: Page) -> Page | None:
    """The page that shows all of the list that a page was cut from, if there is one: the longest of several."""
    candidates = [
        other
        for other in listing.pages
        if other is not page and other.order == page.order and _are_comparable(listing, page, other)
        if is_complete(other) or (_is_short(other) and _nothing_follows(listing, other))
    ]
    return max(candidates, key=lambda other: len(other.items), default=None)


def _nothing_follows(listing: Listing, page: Page) -> bool:
    """Whether the page after the last item of a page was empty, whatever that one says of more."""
    return any(
        other.query.get("after") == page.ids[-1]
        and "before" not in other.query
        and other.order == page.order
        and not other.items
        and _are_comparable(listing, page, other)
        for other in (listing.pages if page.items else ())
    )


def _are_comparable(listing: Listing, one: Page, other: Page) -> bool:
    return (
        key_of(one.exchange) is key_of(other.exchange)
        and listing.is_unchanged_between(one, other)
        and all(_list_is_quiescent(listing, page.exchange) for page in (one, other))
    )


def _list_is_quiescent(listing: Listing, exchange: Exchange) -> bool:
    """Whether no run can have added to the list by itself. Only requests add assistants and runs."""
    thread = exchange.path.get("thread_id")
    return thread is None or listing.kind == "run" or is_quiescent(listing.history, thread, exchange)


def _has_more(page: Page) -> bool:
    return bool(page.items) and page.exchange.member("has_more") is True


def _follow_cursors(listing: Listing, start: Page) -> tuple[Page, ...]:
    chain = [start]
    while _has_more(chain[-1]) and len(chain) <= len(listing.pages):
        last = chain[-1]
        following = (
            page
            for page in listing.pages
            if page.query == {**start.query, "after": last.ids[-1]}
            and last.exchange.happened_before(page.exchange)
            and _are_comparable(listing, start, page)
        )
        found = next(following, None)
        if found is None:
            break
        chain.append(found)
    return tuple(chain)
