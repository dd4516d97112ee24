"""The analysis of causes: which few mistakes of a server explain its many failures."""

from runs_conformance.causes.analysis import analyze
from runs_conformance.causes.cause import Cause, Severity

__all__ = ["Cause", "Severity", "analyze"]
