"""Pages of lists: order, cursors and page size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from runs_conformance.emulator.api_errors import bad_request

DEFAULT_LIMIT = 20


class Listable(Protocol):
    """An object that a list can contain."""

    id: str
    seq: int
    created_at: float


ListableT = TypeVar("ListableT", bound=Listable)


@dataclass(frozen=True, slots=True)
class ListPage(Generic[ListableT]):
    """One page: its items in order, and whether more follow."""

    items: Sequence[ListableT]
    has_more: bool


def sort_items(items: Iterable[ListableT], order: str) -> list[ListableT]:
    """The items sorted by creation time in seconds, then by order of creation. `order` is `asc` or `desc`."""
    return sorted(items, key=lambda item: (int(item.created_at), item.seq), reverse=order == "desc")


def paginate(items: Sequence[ListableT], query: dict[str, Any]) -> ListPage[ListableT]:
    """The page of sorted items that a query asks for. Raises ApiError for an unknown cursor."""
    limit = query.get("limit", DEFAULT_LIMIT)
    start = _position(items, "after", query["after"]) + 1 if "after" in query else 0
    end = _position(items, "before", query["before"]) if "before" in query else len(items)
    if "before" in query and "after" not in query:
        nearest = max(0, end - limit)
        return ListPage(items[nearest:end], nearest > 0)
    return ListPage(items[start:end][:limit], end - start > limit)


def _position(items: Sequence[ListableT], param: str, id_: str) -> int:
    for index, item in enumerate(items):
        if item.id == id_:
            return index
    raise bad_request(f"Invalid '{param}': no object with id '{id_}' is in this list.", param, "invalid_value")
