"""Keys are redacted in every encoding, and other texts are kept."""

from __future__ import annotations

import base64
import html
import json
import random
import sys
import tracemalloc
from collections.abc import Callable
from urllib.parse import quote

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.wire.encoded_token import _BATCH, _OVERLAP
from runs_conformance.wire.redactor import Redactor
from tests.find_leaked_keys import find_leaks

KEY = 'sk-Own/+&<key>=0123\\456"789abcdef'
PLAIN = "sk-proj-Aa0Bb1Cc2Dd3Ee4Ff5Gg6Hh7Ii8Jj9"

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda key: json.dumps(json.dumps(key)),
    "JSON escapes": lambda key: "".join(f"\\u{ord(char):04X}" for char in key),
    "entities": html.escape,
    "decimal entities": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "hexadecimal entities": lambda key: "".join(f"&#x{ord(char):x};" for char in key),
    "percent signs": lambda key: quote(key, safe=""),
    "percent signs for all": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "percent signs twice": lambda key: quote(quote(key, safe=""), safe=""),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 in a text": lambda key: base64.b64encode(f"Bearer {key} or so".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "base64 of lower case": lambda key: base64.b64encode(key.lower().encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
}


@pytest.mark.parametrize("key", [KEY, PLAIN])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_part_of_a_key_is_redacted_in_every_encoding(key: str, encoding: str) -> None:
    redactor = Redactor([key])
    rng = random.Random(encoding)
    for length in (len(key), 20, 14):
        start = rng.randrange(len(key) - length + 1)
        text = f"before {ENCODINGS[encoding](key[start : start + length])} after"
        redacted = redactor.redact(text)
        assert redactor.occurs_in(text)
        assert find_leaks(redacted, key) == []
        assert "[REDACTED]" in redacted
        assert redacted.startswith("before ")
        assert redacted.endswith(" after")
        assert redactor.redact(redacted) == redacted


def test_eleven_characters_and_other_texts_are_kept() -> None:
    redactor = Redactor([KEY, PLAIN])
    other = base64.b64encode(b"nothing of interest here").decode()
    for text in (PLAIN[:11], PLAIN[5:16], "", "İstanbul sk-", other, "%zz&;"):
        assert redactor.redact(text) == text


def test_a_text_around_a_key_keeps_its_letters() -> None:
    assert Redactor([PLAIN]).redact(f"İé {PLAIN.upper()} ßİ %41") == "İé [REDACTED] ßİ %41"


def test_a_key_of_digits_is_redacted_in_numbers() -> None:
    redactor = Redactor(["123456789012345"])
    value: JSON = {"a": 123456789012345, "b": [1.23456789012345e14, -123456789012, 1234.5], "c": True, "d": 10**30}
    expected: JSON = {"a": "[REDACTED]", "b": ["[REDACTED]", "[REDACTED]", 1234.5], "c": True, "d": 10**30}
    assert redactor.redact_json(value) == expected


def test_joined_pieces_are_redacted() -> None:
    pieces = ["before ", *(PLAIN[at : at + 5] for at in range(0, len(PLAIN), 5)), " after"]
    redacted = Redactor([PLAIN]).redact_pieces(pieces)
    assert "".join(redacted) == "before [REDACTED] after"
    assert len(redacted) == len(pieces)


@pytest.mark.parametrize("unit", ["a", "\\", "%41", "&amp;", "\\u0041", PLAIN[:11], f"{PLAIN} ", "QUJD"])
def test_long_texts_take_time_in_proportion(unit: str) -> None:
    """Work that grew with the square of the length would not end."""
    text = unit * (200_000 // len(unit))
    redacted = Redactor([PLAIN]).redact(text)
    assert (redacted == text) != (unit.strip() == PLAIN)


def test_traces_in_a_long_text_are_found_in_passages_of_it() -> None:
    lines = [f'{{"number": {number}, "text": "\\u00e9 \U0001f600"}}\n' for number in range(12_000)]
    lines[3_000] = lines[6_000] = f"{PLAIN[3:20]} {json.dumps(json.dumps(KEY))}\n"
    text = "".join(lines)
    tracemalloc.start()
    try:
        redacted = Redactor([KEY, PLAIN]).redact(text)
        assert tracemalloc.get_traced_memory()[1] < 3 * sys.getsizeof(text)
    finally:
        tracemalloc.stop()
    assert not any(find_leaks(redacted, key) for key in (KEY, PLAIN))
    assert redacted.count("[REDACTED]") == 4
    assert redacted.splitlines()[4_000:5_000] == text.splitlines()[4_000:5_000]


def test_a_secret_of_two_lines_is_found_in_a_long_text() -> None:
    secret = "first line\nsecond line"
    text = "x" * 65_530 + f" {secret}\n" + "y" * 70_000
    assert secret not in Redactor([secret]).redact(text)


@pytest.mark.parametrize(
    "encode", [lambda key: base64.b64encode(key.encode()).decode(), lambda key: key.encode().hex()]
)
def test_key_is_found_anywhere_in_a_long_token(encode: Callable[[str], str]) -> None:
    redactor, encoded = Redactor([PLAIN]), encode(PLAIN)
    filler = "aB3" * 100_000
    step = len(encoded) - 7
    for start in range(_BATCH - 2 * len(encoded) - _OVERLAP, _BATCH + len(encoded), step):
        assert redactor.occurs_in(f"{filler[:start]}{encoded}{filler[start:]}")


def test_long_token_takes_little_memory() -> None:
    text = "thread_" + "aB3" * 1_300_000
    tracemalloc.start()
    try:
        assert not Redactor([PLAIN]).occurs_in(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # One copy in lower case, one of the token, and what is decoded at a time.
    assert peak < 3 * len(text) + 16 * _BATCH


MANY = [f"sk-proj-{random.Random(number).getrandbits(160):040x}" for number in range(1_000)]


def test_each_of_many_secrets_is_redacted() -> None:
    redactor = Redactor(MANY)
    for secret in (MANY[0], MANY[500], MANY[-1]):
        for encode in ENCODINGS.values():
            assert find_leaks(redactor.redact(f"before {encode(secret)} after"), secret) == []
        assert redactor.redact(f"before {secret[10:22]} after {secret[10:21]}") == (
            f"before [REDACTED] after {secret[10:21]}"
        )


@pytest.mark.parametrize("secrets", [MANY[:2], MANY[:40]], ids=["few", "many"])
def test_all_parts_of_a_secret_that_shares_characters_with_others_are_redacted(secrets: list[str]) -> None:
    own = MANY[-1]
    damaged = own[:22] + "-" + own[23:]
    other = own[24:] + own[:24]
    redacted = Redactor([other, *secrets, own]).redact(f"a {damaged} z")
    assert redacted == "a [REDACTED]-[REDACTED] z"


def test_a_secret_that_is_added_is_found_in_a_token_seen_before() -> None:
    redactor = Redactor([KEY])
    token = base64.b64encode(PLAIN.encode()).decode()
    assert redactor.redact(token) == token
    redactor.add([PLAIN])
    assert find_leaks(redactor.redact(token), PLAIN) == []


@pytest.mark.parametrize("number", [2, 1_000])
def test_many_secrets_take_little_more_time_than_few(number: int) -> None:
    """A search for each block of 1,000 secrets would take minutes."""
    text = "".join(f'{{"id": "thread_{random.Random(f"text {at}").getrandbits(120):x}"}}\n' for at in range(20_000))
    assert not Redactor(MANY[:number]).occurs_in(text)
