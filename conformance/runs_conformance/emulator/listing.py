"""Pages of lists: order, cursors, page size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from runs_conformance.emulator.refusal import bad

DEFAULT_LIMIT = 20


class Listed(Protocol):
    """What a list can hold."""

    id: str
    seq: int
    created_at: float


ListedT = TypeVar("ListedT", bound=Listed)


@dataclass(frozen=True, slots=True)
class Page(Generic[ListedT]):
    """One page: its items in order, and whether more follow."""

    items: Sequence[ListedT]
    has_more: bool


def ordered(items: Iterable[ListedT], order: str) -> list[ListedT]:
    """The items by the time of their creation; what was created in the same second keeps the order of creation."""
    return sorted(items, key=lambda item: (int(item.created_at), item.seq), reverse=order == "desc")


def page(items: Sequence[ListedT], query: dict[str, Any]) -> Page[ListedT]:
    """The page that a query asks for, of items that are already in order."""
    limit = query.get("limit", DEFAULT_LIMIT)
    start = _position(items, "after", query["after"]) + 1 if "after" in query else 0
    end = _position(items, "before", query["before"]) if "before" in query else len(items)
    if "before" in query and "after" not in query:
        nearest = max(0, end - limit)
        return Page(items[nearest:end], nearest > 0)
    return Page(items[start:end][:limit], end - start > limit)


def _position(items: Sequence[ListedT], param: str, id_: str) -> int:
    for index, item in enumerate(items):
        if item.id == id_:
            return index
    raise bad(f"Invalid '{param}': no object with id '{id_}' is in this list.", param, "invalid_value")
