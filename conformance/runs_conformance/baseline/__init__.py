"""Baselines: the known failures of a server that are accepted for now."""

from runs_conformance.baseline.comparison import (
    Baseline,
    BaselineComparison,
    BaselineEntry,
    BaselineSettings,
    BaselineUpdateMode,
    EntryResult,
    EntryStatus,
    JudgedScope,
    compare,
)
from runs_conformance.baseline.file import read, write

__all__ = [
    "Baseline",
    "BaselineComparison",
    "BaselineEntry",
    "BaselineSettings",
    "BaselineUpdateMode",
    "EntryResult",
    "EntryStatus",
    "JudgedScope",
    "compare",
    "read",
    "write",
]
