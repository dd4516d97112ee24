"""Tokens of the fake model, and their usage counts."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*\S+|\s+\Z")


@dataclass(slots=True)
class TokenUsage:
    """Numbers of prompt and completion tokens."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(self.prompt + other.prompt, self.completion + other.completion)


def tokenize(text: str) -> list[str]:
    """Split text into tokens: each is a word with the whitespace before it. Joined, they give the text again."""
    return _TOKEN.findall(text)
