"""Whether lists show objects at all: otherwise, the absence of an object from them proves nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from runs_conformance.evidence.page import Page, pages
from runs_conformance.model.history import History
from runs_conformance.model.json import is_array
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

LACKS_OTHERS = "the list lacks objects that were created, and may lack others for the same reason"
"""Why a rule on what a list does not show is inconclusive."""


@lru_cache(maxsize=16)
def _listing_operations(history: History) -> frozenset[str | None]:
    return frozenset(page.exchange.operation for page in pages(history) if any(page.ids))


def may_show_nothing(history: History, page: Page) -> bool:
    """Whether a page is empty, as all pages of its operation are, so that this does not prove that the list is empty.

    Items without an id show nothing either.
    """
    return not any(page.ids) and page.exchange.operation not in _listing_operations(history)


def pass_if_lists_work(history: History, page: Page, missing: Collection[object]) -> Result:
    """`PASSED` for an object that a list does not show, if the list shows everything that was created.

    Only then does the absence of the object prove something. Otherwise inconclusive; a suspicion if the list is empty
    although objects were created.
    """
    if missing and not page.shown:
        return Suspicion(LACKS_OTHERS)
    return Inconclusive(LACKS_OTHERS) if missing or may_show_nothing(history, page) else PASSED


def shows_contents(page: Page) -> bool:
    """Whether every item of a page of messages shows its content."""
    return all(isinstance(content := item.get("content"), str) or is_array(content) for item in page.items)
