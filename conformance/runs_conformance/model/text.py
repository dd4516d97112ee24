"""Shortening of long texts."""

from __future__ import annotations

import json
import re

from runs_conformance.model.json import JSON, Absent

_MAX_WORD = 500
_LENGTH_GIVEN = re.compile(r"… \((\d+) characters(?:, sha256 [0-9a-f]+)?\)$")
"""How an excerpt ends, here and in reports."""


def truncate(text: str, limit: int) -> str:
    """The text, truncated to `limit` characters, the last of which is an ellipsis, if it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def contains_word(text: str, word: str) -> bool:
    """Whether a text contains a word, or the start of a very long one, that does not continue on either side."""
    sought, start = word[:_MAX_WORD], 0
    if not sought:
        return False
    while (found := text.find(sought, start)) >= 0:
        end = found + len(sought)
        continues = len(word) == len(sought) and end < len(text) and _is_word_character(text[end])
        if not continues and not (found and _is_word_character(text[found - 1])):
            return True
        start = found + 1
    return False


def _is_word_character(character: str) -> bool:
    return character.isalnum() or character in "_-"


def excerpt(text: str, limit: int, keep: int | None = None) -> str:
    """The text, or its first `keep` characters (`limit` by default) and its length if it is longer than `limit`."""
    return text if len(text) <= limit else f"{text[: limit if keep is None else keep]}… ({len(text)} characters)"


def full_length(text: str) -> int:
    """The length of a text, or of the longer one that an excerpt of it gives."""
    given = _LENGTH_GIVEN.search(text)
    return int(given[1]) if given is not None else len(text)


def in_words(value: JSON | Absent) -> str:
    """A value as messages show it: a text in single quotes, any other value as JSON, `missing` if there is none."""
    if isinstance(value, Absent):
        return "missing"
    return repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
