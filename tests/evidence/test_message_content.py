"""The contents of messages are compared by their parts."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.message_content import (
    appear_in_order,
    content_parts,
    message_content,
    message_contents,
    missing_contents,
)
from tests.rules.histories import text

A, B, C = ("user", (("text", "a"),)), ("user", (("text", "b"),)), ("assistant", (("text", "c"),))


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("Hello.", (("text", "Hello."),)),
        (text("Hello."), (("text", "Hello."),)),
        ([{"type": "text", "text": "Hello."}], (("text", "Hello."),)),
        ([{"type": "image_url", "image_url": {"url": "https://a.example/b"}}], (("image_url", "https://a.example/b"),)),
        ([{"type": "image_file", "image_file": {"file_id": "file_a"}}], (("image_file", "file_a"),)),
        ([{"type": "refusal", "refusal": "No."}], (("refusal", "No."),)),
        ([], ()),
        (None, ()),
    ],
)
def test_content_parts(content: Any, parts: tuple[tuple[str, str], ...]) -> None:
    assert content_parts(content) == parts


def test_message_content() -> None:
    assert message_content({"role": "user", "content": "a"}) == A
    assert message_content({"content": "a"}) is None
    assert message_content("a") is None
    assert message_contents([{"role": "user", "content": "a"}, "x"]) == (A,)
    assert message_contents(None) == ()


def test_missing_contents_are_counted() -> None:
    assert missing_contents([A, A, B], [A, C]) == [A, B]
    assert missing_contents([A], [A, B]) == []


def test_order_of_contents() -> None:
    assert appear_in_order([A, B], [A, C, B])
    assert not appear_in_order([A, B], [B, A])
    assert not appear_in_order([A, A], [A])
