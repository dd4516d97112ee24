"""Run-length encoding of long texts that consist of repeated parts."""

from __future__ import annotations

import re

from runs_conformance.model.json import JSON, is_array, is_object

MAX_PLAIN_LENGTH = 1_000
"""Length in characters up to which texts are stored as they are."""

_JOINED, _TEXT, _TIMES = "$joined", "text", "times"
_MIN_TIMES = 50
_REPEATED = re.compile(rf"(.{{1,8}}?)\1{{{_MIN_TIMES - 1}}}", re.DOTALL)


def split_repeats(text: str) -> list[tuple[str, int]]:
    """Split a text into parts, each with its number of consecutive repetitions."""
    parts: list[tuple[str, int]] = []
    end = 0
    while match := _REPEATED.search(text, end):
        if match.start() > end:
            parts.append((text[end : match.start()], 1))
        unit = match.group(1)
        # A back reference for all repetitions takes a hundred times as long as the comparison of long slices.
        times = _MIN_TIMES + _count_repeats(text, unit, match.end())
        parts.append((unit, times))
        end = match.start() + times * len(unit)
    if end < len(text):
        parts.append((text[end:], 1))
    return parts


def _count_repeats(text: str, unit: str, start: int) -> int:
    """The number of consecutive repetitions of `unit` in `text` from `start` on."""
    end, block = start, 1
    while block:
        if text.startswith(unit * block, end):
            end += block * len(unit)
            block *= 2
        else:
            block //= 2
    return (end - start) // len(unit)


def compress(value: JSON) -> JSON:
    """Replace the long texts in a value by their repeated parts. Texts that are compressed already stay as they are."""
    if isinstance(value, str):
        if len(value) <= MAX_PLAIN_LENGTH:
            return value
        parts = split_repeats(value)
        return {_JOINED: [{_TEXT: text, _TIMES: times} for text, times in parts]}
    if is_object(value):
        if value.keys() == {_JOINED}:
            return value
        return {name: compress(member) for name, member in value.items()}
    return [compress(item) for item in value] if is_array(value) else value


def expand(value: JSON) -> JSON:
    """The inverse of `compress`. Raises ValueError for invalid parts."""
    if is_object(value):
        if value.keys() == {_JOINED}:
            return _join(value[_JOINED])
        return {name: expand(member) for name, member in value.items()}
    return [expand(item) for item in value] if is_array(value) else value


MAX_LENGTH = 64 * 1024 * 1024
"""Maximum length in characters of an expanded text, so that a manipulated file cannot exhaust the memory."""


def _join(parts: JSON) -> str:
    texts: list[str] = []
    size = 0
    for part in parts if is_array(parts) else ():
        text = part.get(_TEXT) if is_object(part) else None
        times = part.get(_TIMES) if is_object(part) else None
        if not isinstance(text, str) or not isinstance(times, int) or times < 0:
            raise ValueError("invalid parts of a compressed text")
        size += len(text) * times
        if size > MAX_LENGTH:
            raise ValueError(f"compressed text of more than {MAX_LENGTH:,} characters")
        texts.append(text * times)
    return "".join(texts)
