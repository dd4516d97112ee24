"""Baselines: the known failures of a server that are accepted for now."""

from runs_conformance.baseline.comparison import (
    Baseline,
    BaselineEntry,
    BaselineGate,
    Comparison,
    Coverage,
    EntryResult,
    EntryStatus,
    Revision,
    compare,
)
from runs_conformance.baseline.file import read, write

__all__ = [
    "Baseline",
    "BaselineEntry",
    "BaselineGate",
    "Comparison",
    "Coverage",
    "EntryResult",
    "EntryStatus",
    "Revision",
    "compare",
    "read",
    "write",
]
