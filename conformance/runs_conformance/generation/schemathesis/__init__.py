"""The optional phase whose payloads Schemathesis makes: its ideas of what to send, the contract's of what is right."""

from runs_conformance.generation.schemathesis.catalogue import COUNT, PHASE, missing, programs

__all__ = ["COUNT", "PHASE", "missing", "programs"]
