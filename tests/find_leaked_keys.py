"""Finds parts of a key in a text by decoding the whole text; shares no code with what redacts them."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

RUN = 12


def find_leaks(text: str, key: str) -> list[str]:
    """The runs of twelve characters of a key that a text contains, in any case or encoding."""
    runs = {key[at : at + RUN].lower() for at in range(len(key) - RUN + 1)}
    return sorted({run for form in _forms(text) for run in runs if run in form.lower()})


def _forms(text: str) -> Iterator[str]:
    for _ in range(5):
        yield text
        yield from _in_tokens(text)
        decoded = html.unescape(unquote(re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)))
        decoded = re.sub(r"\\(.)", r"\1", decoded)
        if decoded == text:
            return
        text = decoded


def _in_tokens(text: str) -> Iterator[str]:
    parts = []
    for token in re.findall(r"[A-Za-z0-9+/_-]{14,}", text):
        token = token.replace("-", "+").replace("_", "/")
        for shift in range(4):
            whole = token[shift : shift + (len(token) - shift) // 4 * 4]
            parts.append(base64.b64decode(whole).decode("latin-1"))
    for token in re.findall(r"[0-9a-fA-F]{20,}", text):
        for shift in (0, 1):
            parts.append(bytes.fromhex(token[shift : shift + (len(token) - shift) // 2 * 2]).decode("latin-1"))
    yield "\n".join(parts)
