"""The items of a list are found wherever the server puts them."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.json import ABSENT, JSON, at
from runs_conformance.model.list_body import in_envelope, listed_ids, listed_items

ANY_SHAPE = pytest.mark.parametrize(
    ("body", "place", "ids"),
    [
        ({"object": "list", "data": [{"id": "a"}]}, "/data", ("a",)),
        ([{"id": "a"}, {"id": "b"}], "", ("a", "b")),
        ({"items": [{"id": "a"}], "total": 1}, "/items", ("a",)),
        ({"a/b": [{"id": "a"}]}, "/a~1b", ("a",)),
        ({"data": None, "items": [{"id": "a"}]}, "", ()),
        ({"runs": [{"id": "a"}], "errors": []}, "", ()),
        ({"data": []}, "/data", ()),
        ("text", "", ()),
        (ABSENT, "", ()),
    ],
)


@ANY_SHAPE
def test_items_of_a_list_in_any_shape(body: Any, place: str, ids: tuple[str, ...]) -> None:
    found, items = listed_items(body)
    assert (found, len(items)) == (place, len(ids))
    assert listed_ids(body) == ids


@ANY_SHAPE
def test_references_find_the_items_in_any_shape(body: Any, place: str, ids: tuple[str, ...]) -> None:
    assert [at(in_envelope(body), f"/data/{index}/id") for index in range(len(ids))] == list(ids)


def test_a_list_with_its_envelope_stays_as_it_is() -> None:
    bodies: tuple[JSON, ...] = ({"object": "list", "data": [{"id": "a"}]}, {"data": []}, {"id": "run_1"})
    for body in bodies:
        assert in_envelope(body) is body


def test_ids_are_read_only_if_all_items_have_one() -> None:
    assert listed_ids([{"id": "a"}, {"id": 5}]) == listed_ids(["a"]) == ()
