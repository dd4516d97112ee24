"""Boundary cases: the nearest valid and the nearest invalid value for each keyword at each place of a request."""

from runs_conformance.generation.boundary.catalogue import (
    NEEDS_FILES,
    constraints_without_resources,
    programs,
    unsendable_constraints,
)

__all__ = ["NEEDS_FILES", "constraints_without_resources", "programs", "unsendable_constraints"]
