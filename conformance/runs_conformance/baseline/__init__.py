"""Baselines: the known failures of a server that are accepted for now."""

from runs_conformance.baseline.comparison import (
    Baseline,
    BaselineEntry,
    BaselineGate,
    Comparison,
    EntryResult,
    EntryStatus,
    Revision,
    RunScope,
    compare,
)
from runs_conformance.baseline.file import read, write

__all__ = [
    "Baseline",
    "BaselineEntry",
    "BaselineGate",
    "Comparison",
    "EntryResult",
    "EntryStatus",
    "Revision",
    "RunScope",
    "compare",
    "read",
    "write",
]
