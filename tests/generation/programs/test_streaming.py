"""Texts of streams: a target that cuts them within a character cannot but show it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from runs_conformance.generation.programs.streaming import MESSAGE_BEYOND_ASCII, OUTPUT_BEYOND_ASCII


@pytest.mark.parametrize("text", [MESSAGE_BEYOND_ASCII, OUTPUT_BEYOND_ASCII])
@pytest.mark.parametrize(("encoding", "unit"), [("utf-8", 1), ("utf-16-le", 2)])
def test_cuts_after_every_few_units_fall_within_a_character(text: str, encoding: str, unit: int) -> None:
    for size in range(1, 17):
        for before in range(size):
            assert "\ufffd" in _cut(text.encode(encoding), encoding, size * unit, before * unit), (size, before)


def _cut(text: bytes, encoding: str, size: int, before: int) -> str:
    """The text in pieces of `size` bytes, after `before` bytes of another text."""
    ends = (end for end in range(1, len(text)) if (before + end) % size == 0)
    return "".join(text[start:end].decode(encoding, "replace") for start, end in pairwise((0, *ends, len(text))))
