"""Exploration: random payloads and random walks, where nobody thought to look."""

from runs_conformance.generation.fuzzing.catalogue import programs
from runs_conformance.generation.fuzzing.size import ALONE, BESIDE, THOROUGH, Dose

__all__ = ["ALONE", "BESIDE", "THOROUGH", "Dose", "programs"]
