"""Listed runs that no request is known to have created."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.page import Page, pages
from runs_conformance.model.history import History


@dataclass(frozen=True, slots=True)
class UnknownRuns:
    """The ids on a page of runs that no known run has, in order.

    `may_be_known` says that the list lacks at least as many runs that were created: it may show them with other ids.
    `lacks_ids` says that a run on the page has no id. `missing` are the created runs that the page does not show.
    """

    ids: tuple[str, ...]
    known: frozenset[str]
    may_be_known: bool
    lacks_ids: bool
    missing: frozenset[str]


def unknown_runs(history: History, page: Page, known: Collection[str]) -> UnknownRuns:
    """The runs of a page that are not known by these ids; those of another thread are left out."""
    ids = [item.id for item in page.items if not item.is_misplaced]
    unknown = tuple(sorted({id_ for id_ in ids if id_} - {*known}))
    listed = {
        id_ for other in pages(history) if other.kind == "run" and _is_same_list(other, page) for id_ in other.ids
    }
    created = {
        creation.id
        for creation in creations(history)
        if creation.kind == "run"
        and creation.thread == page.exchange.path.get("thread_id")
        and creation.exchange.happened_before(page.exchange)
    }
    may_be_known = len(unknown) <= len(created - listed)
    return UnknownRuns(unknown, frozenset(known), may_be_known, "" in ids, frozenset(created - {*page.ids}))


def _is_same_list(one: Page, other: Page) -> bool:
    return one.exchange.path == other.exchange.path
