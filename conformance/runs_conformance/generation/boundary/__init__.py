"""Boundary cases: for each keyword at each place of a request the nearest legal and the nearest illegal value."""

from runs_conformance.generation.boundary.catalogue import lacking, programs, unsendable

__all__ = ["lacking", "programs", "unsendable"]
