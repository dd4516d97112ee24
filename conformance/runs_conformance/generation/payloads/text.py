"""Random texts: of many scripts, of lengths at their limits, and texts that look like other types."""

from __future__ import annotations

from random import Random

NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
"""The characters of the names of functions and schemas."""

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz ",
    "ABCxyz0189 .,;:!?-_/\\'\"`(){}[]<>|&%$#@*+=~^",
    "éèüñçøåßÀÖœłđ ",
    "данныесловоЯ ",
    "漢字仮名かなカナ한글",
    "שלוםمرحبا ",
    "αβγδΩ√∞≠“”…—\u2028\u00a0",
    "line\none\ttab ",
)
"""Only characters of the basic plane, so that a text at its limit is at its limit in UTF-16 code units too."""

_ASTRAL = ("🙂", "👩‍💻", "🇫🇷", "𝒳", "🧪🔬", "x🙂y")
_LOOKALIKES = (
    "null",
    "true",
    "0",
    "256",
    "-1",
    "1e3",
    "{}",
    "[]",
    '{"a": 1}',
    "undefined",
    "NaN",
    "%s%n",
    "${x}",
    "a=b&c",
)
_CHUNK = 200
_LIMIT_BUDGET = 128
"""Average number of characters spent on texts at their limit; long texts are rare accordingly."""
_KEYS = ("id", "object", "metadata", "type", "constructor", "__proto__", "toString", "a.b", "$set", "0", "ключ", "キー")


def random_text(random: Random, shortest: int = 0, longest: int | None = None, usual: int = 40) -> str:
    """A text of a length within limits; if the limit is small, one in four has that length.

    It neither begins nor ends with white space, which a server might trim.
    """
    if longest is not None and random.random() < min(0.25, _LIMIT_BUDGET / longest):
        return _of_length(random, longest - random.choice((0, 0, 1)))
    if random.random() < 0.1:
        return _of_length(random, shortest)
    short = [choice for choice in _ASTRAL + _LOOKALIKES if shortest <= len(choice) <= (longest or usual)]
    if short and random.random() < 0.25:
        return random.choice(short)
    return _of_length(random, random.randint(max(shortest, 1), max(shortest, min(longest or usual, usual))))


def overlong_text(random: Random, limit: int) -> str:
    """A text that is longer than its limit, mostly by one character."""
    return _of_length(random, limit + random.choice((1, 1, 1, 2, limit)))


def random_name(random: Random, limit: int = 64) -> str:
    """A name of a function or schema; one in five has the length of the limit."""
    length = limit if random.random() < 0.2 else random.randint(1, min(limit, 16))
    return "".join(random.choices(NAME_CHARACTERS, k=length))


def random_key(random: Random, longest: int | None) -> str:
    """A key of a map: a random text, or one with a meaning to servers or programming languages."""
    if random.random() < 0.25:
        return random.choice(_KEYS)
    return random_text(random, 1, longest, 12)


def _of_length(random: Random, length: int) -> str:
    alphabet = random.choice(_ALPHABETS)
    text = "".join(random.choices(alphabet, k=min(length, _CHUNK)))
    text = (text * (length // _CHUNK + 1))[:length] if length > _CHUNK else text
    if text[:1].isspace():
        text = "x" + text[1:]
    return text[:-1] + "x" if text[-1:].isspace() else text
