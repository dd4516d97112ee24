"""Cancellation of runs: when it is possible, its effect, and what it must not affect."""
