"""Streams: when they are sent, how they are written, and how they end."""
