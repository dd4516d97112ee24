"""Pages: order, cursors, sizes, ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.list_pages import ListPage, paginate, sort_items
from tests.emulator.conftest import Served


@dataclass
class Thing:
    id: str
    seq: int
    created_at: float


THINGS = [
    Thing(letter, seq, at) for seq, (letter, at) in enumerate(zip("abcde", (1.9, 1.1, 2.0, 2.0, 3.0), strict=True))
]


def ids(found: ListPage[Any]) -> str:
    return "".join(item.id for item in found.items)


def test_what_was_created_in_one_second_keeps_its_order() -> None:
    assert "".join(item.id for item in sort_items(THINGS, "asc")) == "abcde"
    assert "".join(item.id for item in sort_items(THINGS, "desc")) == "edcba"


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
def test_a_page_is_what_the_query_asks_for(query: dict[str, Any], expected: str, more: bool) -> None:
    found = paginate(THINGS, query)
    assert (ids(found), found.has_more) == (expected, more)


def test_an_unknown_cursor_is_refused() -> None:
    with pytest.raises(ApiError):
        paginate(THINGS, {"after": "x"})


def test_a_walk_reaches_everything_once(emulator: Served) -> None:
    thread = emulator.thread(*[str(number) for number in range(5)])
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "order": "asc"}
    while True:
        found = emulator.get(f"/threads/{thread}/messages", **query)
        seen += [message["content"][0]["text"]["value"] for message in found["data"]]
        assert (found["first_id"], found["last_id"]) == (found["data"][0]["id"], found["data"][-1]["id"])
        if not found["has_more"]:
            break
        query["after"] = found["last_id"]
    assert seen == ["0", "1", "2", "3", "4"]


def test_an_empty_list_names_nothing(emulator: Served) -> None:
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
def test_an_odd_query_is_refused(emulator: Served, query: str, code: str) -> None:
    answer = emulator.send("GET", f"/threads/{emulator.thread()}/runs?{query}")
    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert answer.body["error"]["param"] == query.partition("=")[0]
