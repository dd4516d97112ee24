"""Strict, bounded parsing of response bytes: JSON, event streams and content encodings."""
