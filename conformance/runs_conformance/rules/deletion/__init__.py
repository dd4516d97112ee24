"""Deletion: deleted objects are gone, and nothing else is."""
