"""A page beside the whole list that it was cut from: what it should hold is then known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.complete_list import at_rest
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

SHARED = frozenset({"assistant"})
"""Kinds whose lists others may change at any time: only what was created here can be followed in them."""


@dataclass(frozen=True, eq=False)
class Window:
    """A page, and a page of the same list in the same order that held all of it, with nothing changed in between.

    `rest` are the ids from the page's cursor on, `ids` those of the page. Of a list that others share, both hold only
    what was created in this history, and `shared` says so.
    """

    page: Page
    whole: Page
    rest: tuple[str, ...]
    ids: tuple[str, ...]
    shared: bool

    @property
    def left(self) -> tuple[str, ...]:
        """The ids that come after this page."""
        return self.rest[len(self.ids) :]


@dataclass(frozen=True, eq=False)
class Mirror:
    """One whole list in both orders, with nothing changed in between."""

    ascending: Page
    descending: Page
    history: History
    shared: bool


@dataclass(frozen=True, eq=False)
class Walk:
    """Pages of one list, each beginning after the last item of the one before, from the start of the list to its end.

    `whole` is a page that held all of the list, if there was one.
    """

    pages: tuple[Page, ...]
    whole: Page | None
    shared: bool


def is_whole(page: Page) -> bool:
    """Whether a page certainly holds all of its list: it has no cursor, is not full, and says that nothing follows."""
    return _is_short(page) and not _goes_on(page)


def _is_short(page: Page) -> bool:
    cut = "after" in page.query or "before" in page.query
    return not cut and page.limit is not None and len(page.items) < page.limit


@lru_cache(maxsize=16)
def windows(history: History) -> tuple[Window, ...]:
    """Every page that another page shows to be part of a known whole."""
    return tuple(window for listing in listings(history) for window in _windows(listing))


@lru_cache(maxsize=16)
def mirrors(history: History) -> tuple[Mirror, ...]:
    """Every list that was seen whole in both orders."""
    return tuple(
        Mirror(up, down, history, listing.kind in SHARED)
        for listing in listings(history)
        for up in listing.pages
        if up.order == "asc" and is_whole(up)
        for down in listing.pages
        if down.order == "desc" and is_whole(down) and _comparable(listing, up, down)
    )


@lru_cache(maxsize=16)
def walks(history: History) -> tuple[Walk, ...]:
    """Every list that was walked from its start to its end by `after`."""
    return tuple(
        Walk(chain, whole_of(listing, chain[0]), listing.kind in SHARED)
        for listing in listings(history)
        for start in listing.pages
        if "after" not in start.query and "before" not in start.query and _goes_on(start)
        if len(chain := _chain(listing, start)) > 1 and not _goes_on(chain[-1])
    )


def _windows(listing: Listing) -> Iterator[Window]:
    shared = listing.kind in SHARED
    own = {creation.id for creation in creations(listing.history) if creation.kind == listing.kind}
    for page in listing.pages:
        if page.limit is None or {"after", "before"} <= page.query.keys():
            continue
        whole = whole_of(listing, page)
        rest = _rest(whole.ids, page.query.get("after")) if whole and "before" not in page.query else None
        if whole is None or rest is None:
            continue
        ids = page.ids
        if shared:
            ids, rest = tuple(i for i in ids if i in own), tuple(i for i in rest if i in own)
        yield Window(page, whole, rest, ids, shared)


def _rest(ids: tuple[str, ...], after: str | None) -> tuple[str, ...] | None:
    if after is None:
        return ids
    return ids[ids.index(after) + 1 :] if after in ids else None


def whole_of(listing: Listing, page: Page) -> Page | None:
    """The page that shows all of the list that a page was cut from, if there is one: the longest of several."""
    candidates = [
        other
        for other in listing.pages
        if other is not page and other.order == page.order and _comparable(listing, page, other)
        if is_whole(other) or (_is_short(other) and _nothing_follows(listing, other))
    ]
    return max(candidates, key=lambda other: len(other.items), default=None)


def _nothing_follows(listing: Listing, page: Page) -> bool:
    """Whether the page after the last item of a page was empty, whatever that one says of more."""
    return any(
        other.query.get("after") == page.ids[-1]
        and "before" not in other.query
        and other.order == page.order
        and not other.items
        and _comparable(listing, page, other)
        for other in (listing.pages if page.items else ())
    )


def _comparable(listing: Listing, one: Page, other: Page) -> bool:
    return (
        key_of(one.exchange) is key_of(other.exchange)
        and listing.undisturbed(one, other)
        and all(_at_rest(listing, page.exchange) for page in (one, other))
    )


def _at_rest(listing: Listing, exchange: Exchange) -> bool:
    """Whether no run can have added to the list by itself. Only requests add assistants and runs."""
    thread = exchange.path.get("thread_id")
    return thread is None or listing.kind == "run" or at_rest(listing.history, thread, exchange)


def _goes_on(page: Page) -> bool:
    return bool(page.items) and page.exchange.member("has_more") is True


def _chain(listing: Listing, start: Page) -> tuple[Page, ...]:
    chain = [start]
    while _goes_on(chain[-1]) and len(chain) <= len(listing.pages):
        last = chain[-1]
        following = (
            page
            for page in listing.pages
            if page.query == {**start.query, "after": last.ids[-1]}
            and last.exchange.before(page.exchange)
            and _comparable(listing, start, page)
        )
        found = next(following, None)
        if found is None:
            break
        chain.append(found)
    return tuple(chain)
