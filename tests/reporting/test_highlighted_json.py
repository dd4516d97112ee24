"""The member that a finding is about is highlighted in its body."""

from __future__ import annotations

import json

from runs_conformance.model.json import JSON
from runs_conformance.reporting.highlighted_json import MAX_LINES, MAX_SCALAR_LENGTH, TextSpan, highlight

TOOLS: list[JSON] = [{"type": "function", "name": "x/y"}, {"type": "code_interpreter"}]
BODY: JSON = {"a": 1, "tools": TOOLS, "m~n": {"/": None}}


def text(pieces: list[TextSpan]) -> str:
    return "".join(piece.text for piece in pieces)


def those_marked(*places: str) -> list[str]:
    return [piece.text for piece in highlight(BODY, places) if piece.highlighted]


def test_value_is_formatted_on_several_lines() -> None:
    assert text(highlight(BODY)) == json.dumps(BODY, indent=2)
    small: list[JSON] = [{}, [], None, "ä"]
    assert [text(highlight(value)) for value in small] == ["{}", "[]", "null", '"ä"']


def test_member_is_highlighted_with_name_and_value() -> None:
    assert those_marked("/a") == ['"a": 1']
    assert those_marked("/tools/0/name") == ['"name": "x/y"']
    assert those_marked("/m~0n/~1") == ['"/": null']
    (whole,) = those_marked("/tools/1")
    assert json.loads(whole) == TOOLS[1]


def test_root_and_missing_pointers() -> None:
    assert those_marked("") == [json.dumps(BODY, indent=2)]
    assert those_marked("/nowhere/5") == []


def test_highlights_survive_shortening() -> None:
    body: JSON = {f"member_{number}": number for number in range(5_000)}
    pieces = highlight(body, ["/member_2500"])
    assert '"member_2500": 2500' in text(pieces)
    assert text(pieces).count("\n") < 2 * MAX_LINES
    assert "lines …" in text(pieces)


def test_long_string_is_truncated_with_its_length() -> None:
    shown = text(highlight({"a": "x" * 100_000}))
    assert len(shown) < 2 * MAX_SCALAR_LENGTH
    assert "(100002 characters)" in shown
