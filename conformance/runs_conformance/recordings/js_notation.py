"""Reads values in the notation in which Node.js prints them."""

from __future__ import annotations

import re
from typing import Any

LOST = "[truncated]"
"""Stands for what Node.js left out, such as deeply nested objects; sanitizers use the same mark."""

_SPACE = re.compile(r"[\s,]*(?:\.\.\. \d+ more (?P<more>\w+)[\s,]*)?")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`", re.DOTALL)
_CONTINUED = re.compile(r"\s*\+\s*(?=['\"`])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?n?")
_NAME = re.compile(r"[\w$]+|'(?:[^'\\]|\\.)*'|\[[^\]]*\]")
_LOST = re.compile(r"\[(?:Object|Array|Function|Circular|Getter|Symbol|class)[^\]]*\]|<[^>]*>")
_CLASS = re.compile(r"(?:\[[\w: ]+\]|[\w$]+)(?:\(\d+\))?\s*(?=[{\[])")
_WORDS = {"null": None, "undefined": None, "true": True, "false": False, "NaN": None, "Infinity": None}
_WORD = re.compile(r"[\w$.:+-]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_MAX_DEPTH = 60


def parse(text: str, position: int = 0) -> tuple[Any, int]:
    """The value at a position, and the position behind it; undefined members are left out. Raises ValueError."""
    return _value(text, _SPACE.match(text, position).end(), 0)  # type: ignore[union-attr]


def _value(text: str, position: int, depth: int) -> tuple[Any, int]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if lost := _LOST.match(text, position):
        return LOST, lost.end()
    if named := _CLASS.match(text, position):
        position = named.end()
    match text[position : position + 1]:
        case "{":
            return _members(text, position + 1, depth + 1)
        case "[":
            return _items(text, position + 1, depth + 1)
        case "'" | '"' | "`":
            return _string(text, position)
    if number := _NUMBER.match(text, position):
        digits = number[0].removesuffix("n")
        return (float(digits) if re.search("[.e]", digits) else int(digits)), number.end()
    word = _WORD.match(text, position)
    if word is None:
        raise ValueError("not a value")
    return _WORDS.get(word[0], word[0]), word.end()


def _string(text: str, position: int) -> tuple[str, int]:
    """A string, which Node.js may print in several pieces."""
    pieces: list[str] = []
    while found := _STRING.match(text, position):
        pieces.append(_ESCAPE.sub(_unescape, found[0][1:-1]))
        position = found.end()
        more = _CONTINUED.match(text, position)
        if more is None:
            return "".join(pieces), position
        position = more.end()
    raise ValueError("a string has no end")


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])


def _members(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while True:
        gap = _SPACE.match(text, position)
        assert gap is not None
        position = gap.end()
        if gap["more"]:
            members[LOST] = LOST
        if text.startswith("}", position):
            return members, position + 1
        name = _NAME.match(text, position)
        if name is None:
            raise ValueError("not a name")
        arrow = re.compile(r"\s*(?:=>|:)\s*").match(text, name.end())
        if arrow is None:
            raise ValueError("a name without a value")
        is_undefined = re.compile(r"undefined\b").match(text, arrow.end())
        value, position = _value(text, arrow.end(), depth)
        if not is_undefined:
            members[name[0].strip("'")] = value


def _items(text: str, position: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        gap = _SPACE.match(text, position)
        assert gap is not None
        position = gap.end()
        if gap["more"]:
            items.append(LOST)
        if text.startswith("]", position):
            return items, position + 1
        value, position = _value(text, position, depth)
        items.append(value)
