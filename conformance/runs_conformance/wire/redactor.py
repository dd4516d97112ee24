"""Finds secrets in texts and JSON values: any run of twelve characters, in any case and in common encodings."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.entities import html5

from runs_conformance.model.json import JSON
from runs_conformance.wire.encoded_token import decode_together, decode_tokens, find_tokens
from runs_conformance.wire.redaction import REDACTED
from runs_conformance.wire.secret_index import IndexedSecret, SecretIndex, Span

MIN_SECRET_LENGTH = 8
"""Shorter keys (`test`, `EMPTY`) protect nothing, and redacting them from bodies would falsify the evidence."""

_MAX_LEVELS = 4
"""Maximum number of encodings around each other: JSON in a JSON string in a URL."""

_FAMILIES = (
    r"\\u(?P<json_code>[0-9a-f]{4})|\\x(?P<byte>[0-9a-f]{2})|\\(?P<escaped>.)",
    r"%u(?P<url_code>[0-9a-f]{4})|%(?P<in_url>[0-9a-f]{2})",
    r"&#x(?P<hex_code>[0-9a-f]{1,7});|&#(?P<code>[0-9]{1,7});|&(?P<name>[a-z]{2,8});",
)
_NESTED_JSON = r"(?<!\\)\\++(?:u(?P<json_code>[0-9a-f]{4})|x(?P<byte>[0-9a-f]{2})|(?P<escaped>.))"
"""An escape of JSON in any number of JSON strings around each other."""


def _escapes(*families: str) -> re.Pattern[str]:
    return re.compile("|".join(families), re.IGNORECASE | re.DOTALL)


_ALL, _ALL_NESTED = _escapes(*_FAMILIES), _escapes(_NESTED_JSON, *_FAMILIES[1:])
_SINGLE = tuple(map(_escapes, _FAMILIES))
"""The escapes of one encoding: a key with a backslash in HTML is not an escape of JSON."""
_ESCAPE_SIGNS = ("\\", "%", "&")
_RELEVANT_ESCAPES = tuple(re.compile(each, re.IGNORECASE) for each in (r"\\[^nrtbf\"]", r"%[0-9a-fu]", r"&[#a-z]"))
"""Those that may hide a part of a secret, by their sign. One pattern for all would take several times as long."""
_MAX_REMEMBERED = 20_000
_PASSAGE_LENGTH = 64 * 1024
"""Number of characters after which a long text is divided at the next line break."""


class Redactor:
    """Replaces every trace of some secrets by `[REDACTED]`.

    A trace is a run of twelve characters of a secret (of a shorter secret, all of it), whatever their case, plain or
    encoded: as escapes of JSON, as HTML entities, with percent signs, in base64 or in hexadecimal. Takes time in
    proportion to the text.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        """Secrets of fewer than `MIN_SECRET_LENGTH` characters are ignored."""
        self._index = SecretIndex()
        self._harmless: set[int] = set()
        self._characters: set[str] = set()
        self._may_be_number = False
        self.add(secrets)

    def __bool__(self) -> bool:
        return bool(self._index)

    def add(self, secrets: Iterable[str]) -> None:
        """Redact these secrets, too, from now on."""
        for text in secrets:
            secret = IndexedSecret.of(_fold(text)) if len(text) >= MIN_SECRET_LENGTH else None
            if secret is not None and self._index.add(secret):
                self._characters.update(secret.text)
                self._may_be_number = self._may_be_number or secret.may_be_number
                self._harmless = set()

    def occurs_in(self, text: str) -> bool:
        """Whether a text contains a trace of a secret."""
        return bool(self._index) and any(True for _ in self._traces(text))

    def redact(self, text: str) -> str:
        """The text with every trace replaced."""
        for _ in range(_MAX_LEVELS):
            spans = _merge(self._traces(text)) if self._index else []
            if not spans:
                break
            text = _replace(text, spans)
        return text

    def redact_json(self, value: JSON) -> JSON:
        """The value with every trace replaced in its strings, member names and numbers."""
        if not self._index:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(name): self.redact_json(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_json(item) for item in value]
        return REDACTED if self._is_in_number(value) else value

    def redact_pieces(self, pieces: Sequence[str]) -> list[str]:
        """The texts with every trace replaced that they form when joined; its first text gets the replacement."""
        spans = _merge(self._traces("".join(pieces)))
        if not spans:
            return list(pieces)
        redacted, start = [], 0
        for piece in pieces:
            end = start + len(piece)
            touching = [(a, b) for a, b in spans if a < end and b > start]
            parts = [(max(a, start) - start, min(b, end) - start, start <= a) for a, b in touching]
            redacted.append(_replace_parts(piece, parts))
            start = end
        return redacted

    def occurs_in_json(self, text: str, value: JSON) -> bool:
        """Whether a value, whose JSON text is given, contains a trace."""
        return self.occurs_in(text) or (self._may_be_number and self.redact_json(value) != value)

    def _is_in_number(self, value: JSON) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self._may_be_number:
            return False
        if isinstance(value, int):
            return value.bit_length() < 4_000 and self._has_plain(str(value))
        return self._has_plain(f"{value:f}") or self._has_plain(repr(value).replace(".", ""))

    def _has_plain(self, text: str) -> bool:
        return any(True for _ in self._plain(text))

    def _plain(self, text: str) -> Iterator[Span]:
        yield from self._index.spans(_fold(text))

    def _traces(self, text: str) -> Iterator[Span]:
        """The spans of all traces, plain and encoded."""
        for begin, passage in _passages(text) if "\n" not in self._characters else ((0, text),):
            yield from ((begin + start, begin + end) for start, end in self._traces_in_passage(passage))

    def _traces_in_passage(self, text: str) -> Iterator[Span]:
        yield from self._find(text)
        present = [escape for sign, escape in zip(_ESCAPE_SIGNS, _RELEVANT_ESCAPES, strict=True) if sign in text]
        if present and ('"' in self._characters or any(escape.search(text) for escape in present)):
            for escapes in (_ALL, *_SINGLE) if self._characters & {*_ESCAPE_SIGNS} else (_ALL_NESTED,):
                yield from self._traces_behind(escapes, text)

    def _traces_behind(self, escapes: re.Pattern[str], text: str) -> Iterator[Span]:
        """The spans of traces that show once the escapes are decoded, up to some times."""
        levels: list[str] = []
        for _ in range(_MAX_LEVELS):
            decoded, count = escapes.subn(_decode_escape, text)
            if not count or decoded == text:
                return
            levels.append(text)
            if found := [*self._find(decoded)]:
                origins = _origins(levels, escapes)
                yield from ((origins[a], origins[b]) for a, b in found)
            text = decoded

    def _find(self, text: str) -> Iterator[Span]:
        yield from self._plain(text)
        yield from self._in_tokens(text)

    def _in_tokens(self, text: str) -> Iterator[Span]:
        """The spans of traces in base64 and in hexadecimal."""
        tokens = {key: token for token in find_tokens(text) if (key := hash(token)) not in self._harmless}
        if not tokens:
            return
        folded = map(_fold, decode_together(tokens.values()))
        if not any(map(self._index.may_occur_in, folded)):
            self._remember(tokens)
            return
        for token in decode_tokens(text):
            for shift, each in enumerate(token.texts):
                for start, end in self._plain(each):
                    yield token.start + shift + int(start * token.width), token.place(shift, end)

    def _remember(self, hashes: Iterable[int]) -> None:
        """Remember tokens that contain no secret: ids come again in most exchanges, and decoding them takes long."""
        if len(self._harmless) >= _MAX_REMEMBERED:
            self._harmless = set()
        self._harmless.update(hashes)


def _passages(text: str) -> Iterator[tuple[int, str]]:
    """The text in parts that end at line breaks, each with its start: the search takes several times their memory.

    No trace continues behind a line break unless a secret contains one.
    """
    start = 0
    while len(text) - start > _PASSAGE_LENGTH and (end := text.find("\n", start + _PASSAGE_LENGTH) + 1):
        yield start, text[start:end]
        start = end
    yield start, text[start:] if start else text


def _fold(text: str) -> str:
    """The text in lower case, as long as before: only this letter becomes longer."""
    return text.replace("İ", "i").lower()


def _decode_escape(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "escaped":
        return text
    if kind == "name":
        return html5.get(f"{text};") or html5.get(f"{text.lower()};", match[0])
    number = int(text, 10 if kind == "code" else 16)
    return chr(number) if number < 0x110000 else match[0]


def _origins(levels: Sequence[str], escapes: re.Pattern[str]) -> array[int]:
    """The start of each character of a decoded text in the original, followed by the end of the original.

    `levels` holds the texts before each decoding.
    """
    origins = array("Q", range(len(levels[0]) + 1))
    for level in levels:
        decoded = array("Q")
        end = 0
        for match in escapes.finditer(level):
            decoded.extend(origins[end : match.start()])
            # All characters of an entity that stands for several start where it starts.
            decoded.extend([origins[match.start()]] * len(_decode_escape(match)))
            end = match.end()
        decoded.extend(origins[end:])
        origins = decoded
    return origins


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _replace(text: str, spans: Sequence[Span]) -> str:
    return _replace_parts(text, [(start, end, True) for start, end in spans])


def _replace_parts(text: str, parts: Sequence[tuple[int, int, bool]]) -> str:
    """Replace parts of a text by `[REDACTED]`, or by nothing where the flag is not set."""
    kept, position = [], 0
    for start, end, is_first in parts:
        kept += [text[position:start], REDACTED if is_first else ""]
        position = end
    return "".join((*kept, text[position:]))
