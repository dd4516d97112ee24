"""Shrinks histories, random payloads and programs that violate a requirement, and stores them for the next test run."""
