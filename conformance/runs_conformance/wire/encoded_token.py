"""Tokens: parts of a text that may be base64 or hexadecimal, and what they encode."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(r"[0-9A-Fa-f]{24,}")
_LONG_TOKEN = 1000
_BATCH, _OVERLAP = 1 << 16, 1 << 10
"""Characters of tokens that are decoded at a time, and how many of a longer token are decoded twice: more than a run of
a secret takes.
"""

_STANDARD = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class EncodedToken:
    """A part of a text, decoded from each of its first characters on; each byte takes `width` characters."""

    start: int
    length: int
    width: float
    texts: tuple[str, ...]

    def place(self, shift: int, end: int) -> int:
        """Where in the text the first `end` bytes end."""
        return self.start + min(shift + ceil(end * self.width), self.length)


def find_tokens(text: str) -> Iterator[str]:
    """The tokens of a text, without those that certainly encode no secret."""
    return (token for token in _TOKEN.findall(text) if not _repeats_one_character(token))


def decode_tokens(text: str) -> Iterator[EncodedToken]:
    """Every token of a text, decoded."""
    yield from map(_from_base64, _TOKEN.finditer(text))
    yield from map(_from_hex, _HEX.finditer(text))


def _repeats_one_character(token: str) -> bool:
    """Whether a long token is one character over and over, as the suite's own long values are; decoding takes long."""
    return len(token) > _LONG_TOKEN and token.count(token[0]) == len(token)


def decode_together(tokens: Iterable[str]) -> Iterator[str]:
    """Texts of limited length, with the tokens decoded from each of their first characters on, in any order.

    If no run of a secret is in any of these texts, none is in a token.
    """
    batch, length = list[str](), 0
    for piece in chain.from_iterable(map(_pieces, tokens)):
        batch.append(piece)
        length += len(piece)
        if length >= _BATCH:
            yield _decode_batch(batch)
            batch, length = [], 0
    if batch:
        yield _decode_batch(batch)


def _pieces(token: str) -> Iterator[str]:
    """A token in pieces, so that decoding takes little memory. Each begins with the end of the one before."""
    for start in range(0, max(1, len(token) - _OVERLAP), _BATCH - _OVERLAP):
        yield token[start : start + _BATCH]


def _decode_batch(tokens: Sequence[str]) -> str:
    parts = [b64decode(_join(tokens, shift, 4).translate(_STANDARD)) for shift in range(4)]
    in_hex = [found for token in tokens for found in _HEX.findall(token)]
    parts += [bytes.fromhex(_join(in_hex, shift, 2)) for shift in range(2)] if in_hex else []
    return b"\n".join(parts).decode("latin-1")


def _join(tokens: Sequence[str], shift: int, size: int) -> str:
    """The tokens from a character on, each filled up to groups of `size` characters."""
    return "".join([f"{token[shift:]}{'A' * (-(len(token) - shift) % size)}" for token in tokens])


def _from_base64(match: re.Match[str]) -> EncodedToken:
    token = match[0].translate(_STANDARD)
    ends = [shift + (len(token) - shift) // 4 * 4 for shift in range(4)]
    texts = (_decode(b64decode, token[shift:end] + _pad(token[end:])) for shift, end in enumerate(ends))
    return EncodedToken(match.start(), len(token), 4 / 3, tuple(texts))


def _from_hex(match: re.Match[str]) -> EncodedToken:
    token = match[0]
    texts = (_decode(bytes.fromhex, token[shift : shift + (len(token) - shift) // 2 * 2]) for shift in range(2))
    return EncodedToken(match.start(), len(token), 2.0, tuple(texts))


def _pad(rest: str) -> str:
    """The last characters of a base64 text, padded to four; empty if they encode no byte."""
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""


def _decode(decode: Callable[[str], bytes], token: str) -> str:
    try:
        return decode(token).decode("latin-1")
    except ValueError:
        return ""
