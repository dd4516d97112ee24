"""The analysis of causes: which few defects of a server explain its many failures."""

from runs_conformance.causes.analysis import analyze
from runs_conformance.causes.cause import Cause, Severity
from runs_conformance.causes.edition_fit import EditionFit, find_better_edition

__all__ = ["Cause", "EditionFit", "Severity", "analyze", "find_better_edition"]
