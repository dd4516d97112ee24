"""Random texts: of many scripts, of lengths at the very bounds, and such as look like something else."""

from __future__ import annotations

from random import Random

NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
"""What the names of functions and schemas are made of."""

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
"""Only characters that every encoding counts alike, so that a text at its bound is at it in bytes of UTF-16 as well."""

_ASTRAL = ("🙂", "👩‍💻", "🇫🇷", "𝒳", "🧪🔬", "x🙂y")
_DISGUISED = (
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
_BOUND_SHARE = 128
"""So many characters are spent on texts at their bound, on average."""
_KEYS = ("id", "object", "metadata", "type", "constructor", "__proto__", "toString", "a.b", "$set", "0", "ключ", "キー")


def text(random: Random, least: int = 0, most: int | None = None, usual: int = 40) -> str:
    """A text within bounds on its length; of the texts that may not be very long, one in four is at a bound.

    It neither begins nor ends with a space, which a server might trim.
    """
    if most is not None and random.random() < min(0.25, _BOUND_SHARE / most):
        return _of_length(random, most - random.choice((0, 0, 1)))
    if random.random() < 0.1:
        return _of_length(random, least)
    short = [choice for choice in _ASTRAL + _DISGUISED if least <= len(choice) <= (most or usual)]
    if short and random.random() < 0.25:
        return random.choice(short)
    return _of_length(random, random.randint(max(least, 1), max(least, min(most or usual, usual))))


def too_long(random: Random, most: int) -> str:
    """A text that is longer than it may be, mostly by one character."""
    return _of_length(random, most + random.choice((1, 1, 1, 2, most)))


def name(random: Random, most: int = 64) -> str:
    """A name as functions have them. One in five is as long as it may be."""
    length = most if random.random() < 0.2 else random.randint(1, min(most, 16))
    return "".join(random.choices(NAME, k=length))


def key(random: Random, most: int | None) -> str:
    """A key of a map: a word, a word that means something to servers, or a text that is as long as it may be."""
    if random.random() < 0.25:
        return random.choice(_KEYS)
    return text(random, 1, most, 12)


def _of_length(random: Random, length: int) -> str:
    alphabet = random.choice(_ALPHABETS)
    made = "".join(random.choices(alphabet, k=min(length, _CHUNK)))
    made = (made * (length // _CHUNK + 1))[:length] if length > _CHUNK else made
    if made[:1].isspace():
        made = "x" + made[1:]
    return made[:-1] + "x" if made[-1:].isspace() else made
