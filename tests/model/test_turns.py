"""Items with different keys take turns."""

from __future__ import annotations

from runs_conformance.model.turns import take_turns


def test_items_with_different_keys_take_turns() -> None:
    words = ["apple", "avocado", "ant", "bee", "banana", "crow"]
    assert take_turns(words, lambda word: word[0]) == ["apple", "bee", "crow", "avocado", "banana", "ant"]


def test_a_further_key_orders_those_of_the_same_first_key() -> None:
    words = ["apple", "avocado", "angle", "bee"]
    assert take_turns(words, lambda word: word[0], lambda word: len(word)) == ["apple", "bee", "avocado", "angle"]


def test_without_a_key_the_order_stays() -> None:
    assert take_turns([3, 1, 2]) == [3, 1, 2]
    assert take_turns([], lambda item: item) == []
