"""Pages of lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent

DEFAULT_LIMIT = 20
MUTATING_METHODS = ("POST", "DELETE")
LACKS_IDS = "listed objects have no id"
"""Why a rule on the objects of a page is inconclusive if it lacks ids."""
LAGS = "the list lacks an object that was created before and is listed only later"
"""Why a rule on the objects of a page is inconclusive if the list lags behind."""

UNKNOWN_ORDER = ""
"""The order of a page requested without one, unless pages show that its operation has the documented default."""


@dataclass(frozen=True, eq=False)
class Page:
    """One accepted response to a list operation. `query` is the query of the request.

    `default_order` is that of its operation: `UNKNOWN_ORDER` unless pages show that it is the documented one.
    """

    exchange: Exchange
    kind: str
    items: tuple[Observation, ...]
    query: Mapping[str, str]
    default_order: str = UNKNOWN_ORDER

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the items, in order."""
        return tuple(item.id for item in self.items)

    @cached_property
    def shown(self) -> tuple[Observation, ...]:
        """All items of the response, also those that `items` leaves out because they name another thread or run."""
        return tuple(observations_in(self.exchange))

    @property
    def lacks_ids(self) -> bool:
        """Whether an item has no id by which to recognize it."""
        return "" in self.ids

    @property
    def order(self) -> str:
        """The requested order, or the default."""
        return self.query.get("order", self.default_order)

    @property
    def limit(self) -> int | None:
        """The requested limit, or the default; None if the requested one is invalid."""
        text = self.query.get("limit")
        if text is None:
            return DEFAULT_LIMIT
        return int(text) if text.isdecimal() and 1 <= int(text) <= 100 else None

    @property
    def has_both_cursors(self) -> bool:
        """Whether the page was requested with `after` and with `before`. What it contains then is not documented."""
        return {"after", "before"} <= self.query.keys()

    @property
    def list_key(self) -> tuple[object, ...]:
        """The identity of the list: pages with equal keys belong to the same list."""
        filters = tuple(sorted((k, v) for k, v in self.query.items() if k not in ("limit", "order", "after", "before")))
        return (self.exchange.operation, tuple(sorted(self.exchange.path.items())), filters)


@dataclass(frozen=True, eq=False)
class Listing:
    """All pages of one list in a history, of any order, limit and cursor."""

    list_key: tuple[object, ...]
    kind: str
    pages: tuple[Page, ...]
    history: History

    def is_unchanged_between(self, first: Page, last: Page) -> bool:
        """Whether no request that could change the list was in flight while the two pages were read, or in between.

        Items that an active run adds by itself are not considered; see `complete_list.is_quiescent`.
        """
        return not any(
            exchange.request.method in MUTATING_METHODS
            and exchange.ended > min(first.exchange.started, last.exchange.started)
            and exchange.started < max(first.exchange.ended, last.exchange.ended)
            for exchange in self.history
        )


def repeats_a_parameter(exchange: Exchange) -> bool:
    """Whether a request gives a parameter twice that takes one value, so that its meaning is not specified."""
    names = [name for name, _ in exchange.request.query if not name.endswith("[]")]
    return len(set(names)) < len(names)


@lru_cache(maxsize=16)
def pages(history: History) -> tuple[Page, ...]:
    """Every readable page of a list in a history, except those whose request gives a parameter twice.

    A page requested without `order` is in the documented default order if the pages of the same operation show it:
    otherwise every page in a requested order would be reported for a wrong default.
    """
    found = tuple(
        Page(exchange, kind, tuple(observations_in(exchange)), dict(exchange.request.query))
        for exchange in history
        if exchange.accepted
        and exchange.operation
        and not repeats_a_parameter(exchange)
        and (kind := OPERATIONS[exchange.operation].listed_kind)
        and not isinstance(exchange.body, Absent)
    )
    default_pages = [page for page in found if not page.query.keys() & {"order", "after", "before"}]
    known = {page.exchange.operation for page in default_pages if any(b < a for a, b in _successive_times(page))}
    known -= {page.exchange.operation for page in default_pages if any(b > a for a, b in _successive_times(page))}
    return tuple(replace(page, default_order="desc") if page.exchange.operation in known else page for page in found)


def shown_order(page: Page) -> str:
    """`asc` or `desc`, as the creation times of the items show; `UNKNOWN_ORDER` if they are equal or not sorted."""
    times = [time for item in page.items if (time := item.time("created_at")) is not None]
    if not times or times[0] == times[-1]:
        return UNKNOWN_ORDER
    order = "asc" if times[0] < times[-1] else "desc"
    return order if times == sorted(times, reverse=order == "desc") else UNKNOWN_ORDER


def _successive_times(page: Page) -> Iterable[tuple[float, float]]:
    return pairwise(time for item in page.items if (time := item.time("created_at")) is not None)


@lru_cache(maxsize=16)
def listings(history: History) -> tuple[Listing, ...]:
    """Every list that was read in a history, with all its pages."""
    grouped: dict[tuple[object, ...], list[Page]] = {}
    for page in pages(history):
        grouped.setdefault(page.list_key, []).append(page)
    return tuple(Listing(key, members[0].kind, tuple(members), history) for key, members in grouped.items())
