"""Exploration: random payloads and random walks, where nobody thought to look."""

from conformance.generation.exploration.catalogue import programs

__all__ = ["programs"]
