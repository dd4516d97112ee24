"""Exploration: random payloads and random walks, where nobody thought to look."""

from runs_conformance.generation.exploration.allotment import ALONE, BESIDE, THOROUGH, Dose
from runs_conformance.generation.exploration.catalogue import programs

__all__ = ["ALONE", "BESIDE", "THOROUGH", "Dose", "programs"]
