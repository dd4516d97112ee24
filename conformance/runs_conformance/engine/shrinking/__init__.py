"""Shrinks what failed: histories, random payloads and programs, and keeps the result for the next run."""
