"""The optional phase `schemathesis`: Schemathesis generates the bodies, the contract decides on their validity."""

from runs_conformance.generation.schemathesis.catalogue import CASES_PER_OPERATION, PHASE, programs, unavailable_reason

__all__ = ["CASES_PER_OPERATION", "PHASE", "programs", "unavailable_reason"]
