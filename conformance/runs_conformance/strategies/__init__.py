"""Hypothesis strategies for the request bodies of the API, and a state machine that tests an ASGI or WSGI application.

The names in `__all__` are public; docs/how-to/test-with-hypothesis.md shows how to use them.
"""

from runs_conformance.strategies.bodies import BODY_OPERATIONS, InvalidBody, invalid_bodies, valid_bodies
from runs_conformance.strategies.state_machine import RunsStateMachine, state_machine
from runs_conformance.strategies.violation import RequirementViolated

__all__ = [
    "BODY_OPERATIONS",
    "InvalidBody",
    "RequirementViolated",
    "RunsStateMachine",
    "invalid_bodies",
    "state_machine",
    "valid_bodies",
]
