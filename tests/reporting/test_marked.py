from __future__ import annotations

import json

from runs_conformance.model.json import JSON
from runs_conformance.reporting.highlighted_json import LONGEST, MOST_LINES, Piece, marked

TOOLS: list[JSON] = [{"type": "function", "name": "x/y"}, {"type": "code_interpreter"}]
BODY: JSON = {"a": 1, "tools": TOOLS, "m~n": {"/": None}}


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def those_marked(*places: str) -> list[str]:
    return [piece.text for piece in marked(BODY, places) if piece.marked]


def test_it_is_the_value_on_many_lines() -> None:
    assert text(marked(BODY)) == json.dumps(BODY, indent=2)
    small: list[JSON] = [{}, [], None, "ä"]
    assert [text(marked(value)) for value in small] == ["{}", "[]", "null", '"ä"']


def test_a_member_is_marked_with_its_name_and_all_that_it_holds() -> None:
    assert those_marked("/a") == ['"a": 1']
    assert those_marked("/tools/0/name") == ['"name": "x/y"']
    assert those_marked("/m~0n/~1") == ['"/": null']
    (whole,) = those_marked("/tools/1")
    assert json.loads(whole) == TOOLS[1]


def test_the_whole_value_can_be_marked_and_a_place_that_is_not_there_marks_nothing() -> None:
    assert those_marked("") == [json.dumps(BODY, indent=2)]
    assert those_marked("/nowhere/5") == []


def test_of_a_long_value_what_is_marked_is_kept() -> None:
    body: JSON = {f"member_{number}": number for number in range(5_000)}
    pieces = marked(body, ["/member_2500"])
    assert '"member_2500": 2500' in text(pieces)
    assert text(pieces).count("\n") < 2 * MOST_LINES
    assert "lines …" in text(pieces)


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    shown = text(marked({"a": "x" * 100_000}))
    assert len(shown) < 2 * LONGEST
    assert "(100002 characters)" in shown
