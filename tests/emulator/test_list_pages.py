"""Pages: order, cursors, sizes, ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.list_pages import ListPage, paginate, sort_items
from tests.emulator.conftest import EmulatorClient


@dataclass
class Item:
    id: str
    seq: int
    created_at: float


ITEMS = [Item(letter, seq, at) for seq, (letter, at) in enumerate(zip("abcde", (1.9, 1.1, 2.0, 2.0, 3.0), strict=True))]


def ids(list_page: ListPage[Any]) -> str:
    return "".join(item.id for item in list_page.items)


def test_items_of_one_second_keep_their_order() -> None:
    assert "".join(item.id for item in sort_items(ITEMS, "asc")) == "abcde"
    assert "".join(item.id for item in sort_items(ITEMS, "desc")) == "edcba"


@pytest.mark.parametrize(
    ("query", "expected", "more"),
    [
        ({}, "abcde", False),
        ({"limit": 2}, "ab", True),
        ({"limit": 5}, "abcde", False),
        ({"after": "b"}, "cde", False),
        ({"after": "b", "limit": 2}, "cd", True),
        ({"after": "e"}, "", False),
        ({"before": "c"}, "ab", False),
        ({"before": "d", "limit": 2}, "bc", True),
        ({"before": "a"}, "", False),
        ({"after": "a", "before": "e"}, "bcd", False),
        ({"after": "a", "before": "e", "limit": 2}, "bc", True),
        ({"after": "d", "before": "b"}, "", False),
    ],
)
def test_page_matches_the_query(query: dict[str, Any], expected: str, more: bool) -> None:
    list_page = paginate(ITEMS, query)
    assert (ids(list_page), list_page.has_more) == (expected, more)


def test_unknown_cursor_is_refused() -> None:
    with pytest.raises(ApiError):
        paginate(ITEMS, {"after": "x"})


def test_traversal_visits_every_item_once(emulator: EmulatorClient) -> None:
    thread = emulator.thread(*[str(number) for number in range(5)])
    texts: list[str] = []
    query: dict[str, Any] = {"limit": 2, "order": "asc"}
    while True:
        list_page = emulator.get(f"/threads/{thread}/messages", **query)
        texts += [message["content"][0]["text"]["value"] for message in list_page["data"]]
        assert (list_page["first_id"], list_page["last_id"]) == (
            list_page["data"][0]["id"],
            list_page["data"][-1]["id"],
        )
        if not list_page["has_more"]:
            break
        query["after"] = list_page["last_id"]
    assert texts == ["0", "1", "2", "3", "4"]


def test_empty_list_has_no_ids(emulator: EmulatorClient) -> None:
    empty: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert emulator.get(f"/threads/{emulator.thread()}/runs") == empty


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "integer_below_min_value"),
        ("limit=101", "integer_above_max_value"),
        ("limit=ten", "invalid_type"),
        ("limit=1.5", "invalid_type"),
        ("order=sideways", "invalid_value"),
    ],
)
def test_invalid_query_is_refused(emulator: EmulatorClient, query: str, code: str) -> None:
    answer = emulator.send("GET", f"/threads/{emulator.thread()}/runs?{query}")
    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert answer.body["error"]["param"] == query.partition("=")[0]
