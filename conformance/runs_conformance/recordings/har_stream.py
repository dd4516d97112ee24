"""Reads the entries of a HAR one by one, so that a large file needs no memory for its text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_START = re.compile(r'\A\ufeff?\s*\{\s*"log"\s*:\s*\{')
_ENTRIES = re.compile(r'"entries"\s*:\s*(\[|null)')
_NO_ENTRIES = re.compile(r'"entries"\s*:\s*[^\s\[n]')
_GAP = re.compile(r"[\s,]*")
START_LENGTH = 4096
_CHUNK = 1 << 20
_MAX_HEAD = 64 << 20
_DECODER = json.JSONDecoder()

TRUNCATED = "the file is truncated"


def is_har_text(start: str) -> bool:
    """Whether a text begins as a HAR does. `start` are its first `START_LENGTH` characters, or all of it."""
    if _START.match(start) is None or _NO_ENTRIES.search(start):
        return False
    if len(start) == START_LENGTH or _ENTRIES.search(start):
        return True
    try:
        json.loads(start)
    except (ValueError, RecursionError):
        return True
    return False  # A complete document without entries.


def read_entries(file: TextIO) -> Iterator[tuple[Any, str]]:
    """The raw entries of a HAR, each with an empty text; a last item without an entry says why the reading ended early.

    Nothing but the entries is parsed, so a HAR that was truncated gives those that it holds.
    """
    text, place, found = "", 0, None
    while found is None:
        chunk = file.read(_CHUNK)
        text += chunk
        found = _ENTRIES.search(text)
        if not chunk or len(text) > _MAX_HEAD:
            break
    if found is None:
        yield None, TRUNCATED
        return
    if found[1] == "null":
        return
    place = found.end()
    is_ended, wanted = False, _CHUNK
    while True:
        place = _GAP.match(text, place).end()  # type: ignore[union-attr]
        if text.startswith("]", place):
            return
        try:
            entry, end = _DECODER.raw_decode(text, place)
            if end == len(text) and not is_ended:
                raise ValueError  # A number or a text that may go on.
        except (ValueError, RecursionError) as error:
            if is_ended:
                reason = TRUNCATED if place >= len(text) or _is_unfinished(error, text) else f"not JSON: {error}"
                yield None, reason
                return
            chunk = file.read(wanted)
            is_ended, wanted = not chunk, wanted * 2
            text, place = text[place:] + chunk, 0
            continue
        wanted = _CHUNK
        yield entry, ""
        place = end


def _is_unfinished(error: Exception, text: str) -> bool:
    """Whether the text ended where more was expected."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg or text[error.pos :].strip() == ""
