"""The failures of a server that are known and accepted for now."""

from runs_conformance.baseline.comparison import (
    Baseline,
    Comparison,
    Entry,
    Extent,
    Gate,
    Revision,
    Stand,
    Standing,
    compare,
)
from runs_conformance.baseline.file import read, write

__all__ = [
    "Baseline",
    "Comparison",
    "Entry",
    "Extent",
    "Gate",
    "Revision",
    "Stand",
    "Standing",
    "compare",
    "read",
    "write",
]
