"""Acceptance: minimal valid requests are accepted, and existing objects can be read."""
