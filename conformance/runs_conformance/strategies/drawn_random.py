"""A random generator whose choices Hypothesis draws, so that it can replay, store and shrink what is generated."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

MAX_DRAWN = 400
"""Choices that Hypothesis draws for one value. The rest follow from a seed, because its buffer is limited."""

_PRECISION = 2**16


class DrawnRandom(Random):
    """A generator that asks Hypothesis for each choice.

    Choices shrink towards the first item of a sequence, and `random()` towards 1, which leaves optional members out.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self._draw = draw
        self._remaining = MAX_DRAWN
        super().__init__(draw(st.integers(0, 2**32 - 1)))

    def random(self) -> float:
        """A number in [0, 1)."""
        if not self._take():
            return super().random()
        return 1 - (self._draw(st.integers(0, _PRECISION - 1)) + 1) / _PRECISION

    def _randbelow(self, n: int) -> int:
        """A number in [0, n), on which all choices of the standard library rest."""
        if not self._take():
            return int(super().random() * n)
        return self._draw(st.integers(0, n - 1)) if n > 1 else 0

    def _take(self) -> bool:
        self._remaining -= 1
        return self._remaining >= 0


def random_values(make: Callable[[Random], T | None]) -> st.SearchStrategy[T]:
    """The values that a function makes with a random generator; None is drawn again."""

    @st.composite
    def values(draw: st.DrawFn) -> T | None:
        return make(DrawnRandom(draw))

    return values().filter(lambda value: value is not None)  # type: ignore[return-value]
