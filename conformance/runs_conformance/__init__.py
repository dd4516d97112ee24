"""The conformance suite for servers of the Assistants API "Runs" surface."""

__version__ = "0.1.0"
