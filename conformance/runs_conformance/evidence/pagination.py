"""Pages compared with a complete page of the same list, and traversals by cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.comparable_pages import (
    are_comparable,
    complete_page_for,
    has_cursor,
    is_complete,
    is_contradicted,
    is_shared_with_others,
    lacks_what_existed,
)
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.page import Listing, Page, listings
from runs_conformance.model.history import History


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
    def is_without_cursor(self) -> bool:
        """Whether the page has a cursor, and the items of the page that begins the list."""
        return "after" in self.page.query and self.page.ids == self.complete.ids[: len(self.page.ids)]

    @property
    def remaining_ids(self) -> tuple[str, ...]:
        """The ids that follow this page."""
        return self.expected_ids[len(self.ids) :]


@dataclass(frozen=True, eq=False)
class PageTraversal:
    """Pages from the start to the end of one unchanged list, each requested `after` the last item of the previous one.

    `complete` is a complete page of the list, if there is one.
    """

    pages: tuple[Page, ...]
    complete: Page | None
    is_shared: bool


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
        if is_complete(page) and is_contradicted(listing, page) and not lacks_what_existed(listing, page)
    )


@lru_cache(maxsize=16)
def continued_pages(history: History) -> tuple[PageComparison, ...]:
    """Every page from the start of a list of which no page is complete, if others show that more items follow it.

    A server that shows fewer items on a page than were requested shows no long list completely.
    """
    return tuple(
        PageComparison(page, page, (*page.ids, *rest), page.ids, is_shared=False)
        for listing in listings(history)
        if not is_shared_with_others(listing)
        for page in listing.pages
        if not has_cursor(page) and _has_more(page) and complete_page_for(listing, page) is None
        if not lacks_what_existed(listing, page)
        if (rest := _ids_shown_elsewhere(listing, page))
    )


@lru_cache(maxsize=16)
def page_traversals(history: History) -> tuple[PageTraversal, ...]:
    """Every complete traversal of a list by `after`."""
    return tuple(
        PageTraversal(chain, complete_page_for(listing, chain[0]), is_shared_with_others(listing))
        for listing in listings(history)
        for start in listing.pages
        if "after" not in start.query and "before" not in start.query and _has_more(start)
        if len(chain := _follow_cursors(listing, start)) > 1 and not _has_more(chain[-1])
        if not any(lacks_what_existed(listing, page) for page in chain)
    )


def _page_comparisons(listing: Listing) -> Iterator[PageComparison]:
    is_shared = is_shared_with_others(listing)
    own = _own_ids(listing)
    for page in listing.pages:
        if page.limit is None or page.has_both_cursors or lacks_what_existed(listing, page):
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


def _ids_shown_elsewhere(listing: Listing, page: Page) -> list[str]:
    """The ids that other pages of the same, unchanged list show, and this page does not."""
    others = (other for other in listing.pages if are_comparable(listing, page, other))
    return list(dict.fromkeys(id_ for other in others for id_ in other.ids if id_ not in page.ids))


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
            and are_comparable(listing, start, page)
        )
        next_page = next(candidates, None)
        if next_page is None:
            break
        chain.append(next_page)
    return tuple(chain)
