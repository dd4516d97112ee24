from __future__ import annotations

from runs_conformance.model.text import excerpt, truncate


def test_short_text_is_unchanged() -> None:
    assert truncate("abc", 3) == "abc"
    assert excerpt("abc", 3) == "abc"


def test_long_text_is_truncated() -> None:
    assert truncate("abcd", 3) == "ab…"
    assert excerpt("abcd", 3) == "abc… (4 characters)"
    assert excerpt("abcd", 3, keep=1) == "a… (4 characters)"
