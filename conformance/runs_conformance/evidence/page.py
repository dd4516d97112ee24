"""Pages of lists, and the walks they make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent

DEFAULT_LIMIT = 20
MUTATING_METHODS = ("POST", "DELETE")


@dataclass(frozen=True, eq=False)
class Page:
    """One accepted answer to a list operation."""

    exchange: Exchange
    kind: str
    items: tuple[Observation, ...]
    query: Mapping[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its items, in order."""
        return tuple(item.id for item in self.items)

    @property
    def order(self) -> str:
        """The order that was asked for, or the default."""
        return self.query.get("order", "desc")

    @property
    def limit(self) -> int | None:
        """The limit that was asked for, or the default; None where what was asked for is not one."""
        text = self.query.get("limit")
        if text is None:
            return DEFAULT_LIMIT
        return int(text) if text.isdecimal() and 1 <= int(text) <= 100 else None

    @property
    def list_key(self) -> tuple[object, ...]:
        """What is listed: two pages with the same subject are views of the same list."""
        filters = tuple(sorted((k, v) for k, v in self.query.items() if k not in ("limit", "order", "after", "before")))
        return (self.exchange.operation, tuple(sorted(self.exchange.path.items())), filters)


@dataclass(frozen=True, eq=False)
class Listing:
    """All pages of one list in a history, whatever their order, limit and cursor."""

    list_key: tuple[object, ...]
    kind: str
    pages: tuple[Page, ...]
    history: History

    def is_unchanged_between(self, first: Page, last: Page) -> bool:
        """Whether nothing that could change the list was sent between two pages, or alongside them.

        Only what is sent counts. What a running run adds by itself cannot be seen, so walks over messages and steps
        are judged only where a program tagged them as walks over a thread at rest.
        """
        return not any(
            exchange.request.method in MUTATING_METHODS
            and exchange.ended > min(first.exchange.started, last.exchange.started)
            and exchange.started < max(first.exchange.ended, last.exchange.ended)
            for exchange in self.history
        )


@lru_cache(maxsize=16)
def pages(history: History) -> tuple[Page, ...]:
    """Every page of a list in a history that could be read."""
    return tuple(
        Page(exchange, kind, tuple(observations_in(exchange)), dict(exchange.request.query))
        for exchange in history
        if exchange.accepted
        and exchange.operation
        and (kind := OPERATIONS[exchange.operation].listed_kind)
        and not isinstance(exchange.body, Absent)
    )


@lru_cache(maxsize=16)
def listings(history: History) -> tuple[Listing, ...]:
    """Every list that was looked at in a history, with all its pages."""
    grouped: dict[tuple[object, ...], list[Page]] = {}
    for page in pages(history):
        grouped.setdefault(page.list_key, []).append(page)
    return tuple(Listing(subject, found[0].kind, tuple(found), history) for subject, found in grouped.items())
