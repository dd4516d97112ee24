"""Reads the entries of a HAR one by one, so that a large file needs no memory for its text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, Any

_START = re.compile(r'\A\ufeff?\s*\{\s*"log"\s*:\s*\{')
_ENTRIES = re.compile(r'"entries"\s*:\s*(\[|null)')
_NO_ENTRIES = re.compile(r'"entries"\s*:\s*[^\s\[n]')
_GAP = re.compile(r"[\s,]*")
START_LENGTH = 4096
_CHUNK = 1 << 20
_MAX_HEAD = 64 << 20
_DECODER = json.JSONDecoder()

TRUNCATED = "the file is truncated"
FILE_MEMBER = '"_file"'


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


_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(slots=True)
class HarItem:
    """The raw entry of a HAR, and the position of its text in bytes. `problem` says why there is none.

    `may_name_files` says that its bodies may be kept in files beside the HAR.
    """

    entry: Any
    offset: int = 0
    length: int = 0
    problem: str = ""
    may_name_files: bool = False


def open_text(file: IO[bytes]) -> TextIOWrapper:
    """Decode a file for `read_entries`, so that the number of bytes of every character stays known."""
    return TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")


def parse_entry(text: bytes) -> Any:
    """Parse the text of one entry; bytes that are not UTF-8 become replacement characters."""
    return json.loads(text.decode(errors="replace"))


def read_entries(file: TextIOWrapper) -> Iterator[HarItem]:
    """The raw entries of a HAR; a last item with a problem says why the reading ended early.

    `file` was opened by `open_text`. Nothing but the entries is parsed, so a truncated HAR yields the entries that it
    contains.
    """
    text, found = "", None
    while found is None:
        chunk = file.read(_CHUNK)
        text += chunk
        found = _ENTRIES.search(text)
        if not chunk or len(text) > _MAX_HEAD:
            break
    if found is None:
        yield HarItem(None, problem=TRUNCATED)
        return
    if found[1] == "null":
        return
    position = found.end()
    offset = _byte_length(text[:position])
    is_ended, wanted, is_ascii = False, _CHUNK, text.isascii()
    while True:
        gap = _GAP.match(text, position).end()  # type: ignore[union-attr]
        offset, position = offset + gap - position, gap
        if text.startswith("]", position):
            return
        try:
            entry, end = _DECODER.raw_decode(text, position)
            if end == len(text) and not is_ended:
                raise ValueError  # A number or a text that may go on.
        except (ValueError, RecursionError) as error:
            if is_ended:
                reason = TRUNCATED if position >= len(text) or _is_unfinished(error, text) else f"not JSON: {error}"
                yield HarItem(None, problem=reason)
                return
            chunk = file.read(wanted)
            is_ended, wanted = not chunk, wanted * 2
            text, position = text[position:] + chunk, 0
            is_ascii = text.isascii()
            continue
        wanted = _CHUNK
        length = end - position
        if not is_ascii:
            raw = text[position:end]
            length = _byte_length(raw)
            if _ESCAPED_BYTE.search(raw):
                entry = parse_entry(raw.encode("utf-8", "surrogateescape"))
        yield HarItem(entry, offset, length, "", text.find(FILE_MEMBER, position, end) >= 0)
        offset, position = offset + length, end


def _byte_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _is_unfinished(error: Exception, text: str) -> bool:
    """Whether the text ended where more was expected."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg or text[error.pos :].strip() == ""
