"""Finds runs of characters of many secrets in a text, in a time that depends little on their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

RUN_LENGTH = 12
"""Number of consecutive characters of a secret that are redacted wherever they occur."""

_MAX_SEARCHED = 128
"""Up to this number of blocks, a text is searched for each; with more, its parts are looked up, which takes longer for
few blocks and equally long for any number.
"""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class IndexedSecret:
    """A secret in lower case. Every run of `run` characters contains one of its `blocks`, given with their offsets."""

    text: str
    run: int
    blocks: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, text: str) -> IndexedSecret:
        """The secret with this text."""
        run = min(RUN_LENGTH, len(text))
        size = (run + 1) // 2
        starts = range(0, len(text) - size + 1, size)
        return cls(text, run, tuple((text[start : start + size], start) for start in starts))

    @property
    def may_be_number(self) -> bool:
        """Whether a run of its characters is a number."""
        return any(self.text[at : at + self.run].isdecimal() for at in range(len(self.text) - self.run + 1))

    def extend(self, folded: str, position: int, offset: int) -> Span:
        """The part of a text around a position that equals the secret around an offset."""
        before = 0
        while before < min(position, offset) and folded[position - before - 1] == self.text[offset - before - 1]:
            before += 1
        after, most = 0, min(len(folded) - position, len(self.text) - offset)
        while after < most and folded[position + after] == self.text[offset + after]:
            after += 1
        return position - before, position + after


class SecretIndex:
    """Secrets by their blocks."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._secrets_by_block: dict[str, list[tuple[IndexedSecret, int]]] = {}
        self._sizes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, secret: IndexedSecret) -> bool:
        """Find this secret from now on, too; returns whether it is new."""
        if secret.text in self._texts:
            return False
        self._texts.add(secret.text)
        for block, offset in secret.blocks:
            self._secrets_by_block.setdefault(block, []).append((secret, offset))
        self._sizes = tuple({*self._sizes, *(len(block) for block, _ in secret.blocks[:1])})
        return True

    def spans(self, folded: str) -> Iterator[Span]:
        """The spans of all runs in a text in lower case."""
        # By the secret and the place where all of it would start: its other blocks are in the same run.
        ends: dict[tuple[str, int], int] = {}
        for position, block in sorted(self._occurrences(folded)):
            for secret, offset in self._secrets_by_block[block]:
                key = secret.text, position - offset
                if position >= ends.get(key, 0):
                    start, end = secret.extend(folded, position, offset)
                    ends[key] = end
                    if end - start >= secret.run:
                        yield start, end

    def may_occur_in(self, folded: str) -> bool:
        """Whether a text in lower case contains a block, which is quick to see."""
        return any(True for _ in self._occurrences(folded))

    def _occurrences(self, folded: str) -> Iterator[tuple[int, str]]:
        """The positions of all blocks in a text."""
        blocks = self._secrets_by_block
        if len(blocks) <= _MAX_SEARCHED:
            for block in tuple(blocks):
                position = folded.find(block)
                while position >= 0:
                    yield position, block
                    position = folded.find(block, position + 1)
            return
        for size in self._sizes:
            for position in range(len(folded) - size + 1):
                if (part := folded[position : position + size]) in blocks:
                    yield position, part
