"""Timestamps: their form and order, and those that belong to each status of a run."""
