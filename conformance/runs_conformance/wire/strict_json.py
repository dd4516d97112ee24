"""Strict, bounded JSON parsing that reports defects and still returns a value if there is one."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.text import excerpt

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 200
"""Maximum nesting depth; the code that processes values is recursive, with several frames per level."""
MAX_VALUES = 250_000
"""Maximum number of values in a text: in memory, each takes up to a hundred bytes, however short its text is."""
MAX_DIGITS = 64
_EXCERPT = 40
_MAX_DEFECTS = 100

_BOM = b"\xef\xbb\xbf"
# A string without an end is one token, too: searching each of its quotes for the end would take quadratic time.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_CONSTANT = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[+-]?\b(?:inf(?:inity)?|nan)\b', re.DOTALL | re.IGNORECASE)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """The value of a JSON text, `ABSENT` if it has none, and the defects of the text."""

    value: JSON | Absent
    defects: tuple[str, ...] = ()


def parse(
    data: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> ParsedJson:
    """Parse a JSON text. Never raises.

    Defects without a value: `not_json`, `too_large`, `too_deep`. Defects with a value: `invalid_utf8`,
    `byte_order_mark`, `control_character`, `duplicate_key: k` (the last one counts), `not_a_number: NaN` (replaced by
    its name), `number_too_long: 1234…` and `number_out_of_range: 1e999` (replaced by the nearest representable number).
    """
    if len(data) > max_bytes:
        return ParsedJson(ABSENT, ("too_large",))
    defects: list[str] = []
    if data.startswith(_BOM):
        defects.append("byte_order_mark")
        data = data[len(_BOM) :]
    # A value takes at least one byte, so that most texts need no counting.
    may_be_large = len(data) > max_values
    if may_be_large and _least_values(data) > max_values:
        return ParsedJson(ABSENT, (*defects, "too_large"))
    if _exceeds_depth(data, max_depth):
        return ParsedJson(ABSENT, (*defects, "too_deep"))
    if may_be_large and count_values(data, max_values) > max_values:
        return ParsedJson(ABSENT, (*defects, "too_large"))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        defects.append("invalid_utf8")
        text = data.decode(errors="replace")
    value = _load(text, defects)
    return ParsedJson(value, _first_of_each_kind(defects))


def _first_of_each_kind(defects: list[str]) -> tuple[str, ...]:
    """The different defects, of each kind as many as are worth naming."""
    if len(defects) < 2:
        return tuple(defects)
    counts: Counter[str] = Counter()
    kept = []
    for defect in dict.fromkeys(defects):
        kind = defect.partition(":")[0]
        counts[kind] += 1
        if counts[kind] <= _MAX_DEFECTS:
            kept.append(defect)
    return tuple(kept)


def _load(text: str, defects: list[str]) -> JSON | Absent:
    try:
        return _VALID_JSON.decode(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        pass  # It is parsed again, to name the defects.
    hooks: dict[str, Any] = _hooks(defects)
    before = len(defects)
    # A single word is not a JSON text.
    attempts = (text, _spell_constants(text)) if text.lstrip()[:1] in ("{", "[") else (text,)
    for attempt in attempts:
        try:
            value: JSON = json.loads(attempt, **hooks)
        except (ValueError, RecursionError):
            del defects[before:]
        else:
            return value
        try:
            value = json.loads(attempt, strict=False, **hooks)
        except (ValueError, RecursionError):
            del defects[before:]
        else:
            defects.append("control_character")
            return value
    defects.append("not_json")
    return ABSENT


def _spell_constants(text: str) -> str:
    """The text with `inf` and `nan`, as the serializers of several languages write them, in the spelling of Python."""

    def spell(match: re.Match[str]) -> str:
        word = match[0]
        if word.startswith('"'):
            return word
        if word.lower().endswith("nan"):
            return "NaN"
        return "-Infinity" if word.startswith("-") else "Infinity"

    return _CONSTANT.sub(spell, text)


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _finite_fraction(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError
    return value


def _short_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError
    return int(digits)


def _no_constant(name: str) -> None:
    raise ValueError


_VALID_JSON = json.JSONDecoder(
    object_pairs_hook=_distinct_members,
    parse_float=_finite_fraction,
    parse_int=_short_integer,
    parse_constant=_no_constant,
)
"""Decodes texts without defects, and raises ValueError for others. To make a decoder takes longer than to decode."""


def _hooks(defects: list[str]) -> dict[str, Any]:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members_by_name = dict(pairs)
        if len(members_by_name) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    defects.append(f"duplicate_key: {excerpt(key, _EXCERPT)}")
                seen.add(key)
        return members_by_name

    def constant(name: str) -> str:
        defects.append(f"not_a_number: {name}")
        return name

    def fraction(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            defects.append(f"number_out_of_range: {excerpt(digits, _EXCERPT)}")
            return math.copysign(sys.float_info.max, value)
        return value

    def integer(digits: str) -> int:
        if len(digits) <= MAX_DIGITS:
            return int(digits)
        defects.append(f"number_too_long: {excerpt(digits, _EXCERPT)}")
        return -_LARGEST_INTEGER if digits.startswith("-") else _LARGEST_INTEGER

    return {
        "object_pairs_hook": members,
        "parse_constant": constant,
        "parse_float": fraction,
        "parse_int": integer,
    }


def _least_values(data: bytes) -> int:
    """A number of values that a JSON text exceeds, seen without splitting it: each has one string, and one as name."""
    return (data.count(b'"') - data.count(b'\\"')) // 4


def count_values(data: bytes, enough: int = 0) -> int:
    """The approximate number of values in a JSON text; commas and brackets in strings count only up to `enough`."""
    if (least := _least_values(data)) > max(enough, MAX_VALUES):
        return least
    upper = data.count(b",") + data.count(b"[") + data.count(b"{")
    if upper <= enough:
        return upper
    outside = _outside_strings(data)
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _outside_strings(data: bytes) -> bytes:
    # Once the pairs of backslashes are removed, each of the others escapes what follows it.
    return b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])


def _exceeds_depth(data: bytes, limit: int) -> bool:
    """Whether arrays and objects are nested deeper than `limit`. Brackets in strings do not count."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    if _nesting_unwinds_within(data, limit):  # ten times as fast as the loop for a large flat list
        return False
    depth = 0
    for token in _TOKEN.finditer(data):
        match token[0][:1]:
            case b"[" | b"{":
                depth += 1
                if depth > limit:
                    return True
            case b"]" | b"}":
                depth -= 1
    return False


def _nesting_unwinds_within(data: bytes, limit: int) -> bool:
    """Whether removing the innermost pairs of brackets `limit` times leaves none."""
    remaining = _outside_strings(data).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(limit):
        shorter = remaining.replace(b"[]", b"")
        if len(shorter) == len(remaining):
            break
        remaining = shorter
    return not remaining
