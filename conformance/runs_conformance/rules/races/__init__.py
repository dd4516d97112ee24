"""Races: guarantees for requests that overlap in time."""
