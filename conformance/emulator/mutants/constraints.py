"""Mutants made from the request schemas: the emulator's own copy with one keyword relaxed, tightened or dropped."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.emulator.catalogue import Mutant


def generate() -> Iterator[Mutant]:
    """Every constraint mutant."""
    yield from ()
