"""Long texts written short: what a text repeats many times is named once, with how often."""

from __future__ import annotations

import re

from runs_conformance.model.json import JSON, is_array, is_object

MAX_PLAIN_LENGTH = 1_000
"""Shorter texts are written as they are."""

_JOINED, _TEXT, _TIMES = "$joined", "text", "times"
_REPEATED = re.compile(r"(.{1,8}?)\1{49,}", re.DOTALL)


def split_repeats(text: str) -> list[tuple[str, int]]:
    """The parts that a text is made of, each with how many times it stands there in a row."""
    found: list[tuple[str, int]] = []
    end = 0
    for match in _REPEATED.finditer(text):
        if match.start() > end:
            found.append((text[end : match.start()], 1))
        unit = match.group(1)
        found.append((unit, len(match.group(0)) // len(unit)))
        end = match.end()
    if end < len(text):
        found.append((text[end:], 1))
    return found


def compress(value: JSON) -> JSON:
    """A value with its long texts written as the parts that they repeat."""
    if isinstance(value, str):
        if len(value) <= MAX_PLAIN_LENGTH:
            return value
        parts = split_repeats(value)
        return {_JOINED: [{_TEXT: text, _TIMES: times} for text, times in parts]}
    if is_object(value):
        return {name: compress(member) for name, member in value.items()}
    return [compress(item) for item in value] if is_array(value) else value


def expand(value: JSON) -> JSON:
    """The value that `packed` wrote short. Raises ValueError where it is none."""
    if is_object(value):
        if value.keys() == {_JOINED}:
            return _join(value[_JOINED])
        return {name: expand(member) for name, member in value.items()}
    return [expand(item) for item in value] if is_array(value) else value


MAX_LENGTH = 64 * 1024 * 1024
"""No text is longer: a file that says otherwise must not fill the memory."""


def _join(parts: JSON) -> str:
    whole: list[str] = []
    size = 0
    for part in parts if is_array(parts) else ():
        text = part.get(_TEXT) if is_object(part) else None
        times = part.get(_TIMES) if is_object(part) else None
        if not isinstance(text, str) or not isinstance(times, int) or times < 0:
            raise ValueError("not a text in parts")
        size += len(text) * times
        if size > MAX_LENGTH:
            raise ValueError(f"a text of more than {MAX_LENGTH:,} characters")
        whole.append(text * times)
    return "".join(whole)
