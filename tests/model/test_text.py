"""Texts are shortened, and say how long they were."""

from __future__ import annotations

import pytest

from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.text import contains_word, excerpt, full_length, in_words, truncate


def test_short_text_is_unchanged() -> None:
    assert truncate("abc", 3) == "abc"
    assert excerpt("abc", 3) == "abc"


def test_long_text_is_truncated() -> None:
    assert truncate("abcd", 3) == "ab…"
    assert excerpt("abcd", 3) == "abc… (4 characters)"
    assert excerpt("abcd", 3, keep=1) == "a… (4 characters)"


def test_an_excerpt_gives_the_length_of_its_text() -> None:
    assert full_length("abcd") == full_length(excerpt("abcd", 3)) == 4
    assert full_length("é… (511 characters, sha256 d5b84f134d8510ad)") == 511


def test_a_word_is_found_where_it_does_not_continue() -> None:
    assert contains_word("no thread thread_1, sorry", "thread_1")
    assert contains_word("thread_12 thread_1", "thread_1")
    assert not contains_word("thread_12 x-thread_1 thread_1-a", "thread_1")
    assert not contains_word("anything", "")
    assert contains_word("a" * 1_000_000, "a" * 1_000_000)


@pytest.mark.parametrize(
    ("value", "words"),
    [("queued", "'queued'"), (None, "null"), (True, "true"), ({"a": [None]}, '{"a": [null]}'), (ABSENT, "missing")],
)
def test_values_are_words_or_json(value: JSON | Absent, words: str) -> None:
    assert in_words(value) == words
