"""Fuzzing: programs with random payloads, and random walks through the API."""

from runs_conformance.generation.fuzzing.catalogue import programs
from runs_conformance.generation.fuzzing.size import EXPLORE_ONLY, SHARED_RUN, THOROUGH, FuzzingSize

__all__ = ["EXPLORE_ONLY", "SHARED_RUN", "THOROUGH", "FuzzingSize", "programs"]
