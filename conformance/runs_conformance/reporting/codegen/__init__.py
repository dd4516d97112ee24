"""Failures as code: curl commands, Python scripts and pytest tests."""
