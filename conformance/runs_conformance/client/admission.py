"""What every attempt at a request has to pass."""

from __future__ import annotations

from typing import Protocol

from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange


class Admission(Protocol):
    """Lets requests through, or does not."""

    def admit(self, step: Step | None) -> None:
        """Wait until a request may be sent. Raises where it may not."""
        ...

    def settle(self, step: Step | None, exchange: Exchange | None) -> None:
        """Enter what came of it; None where that is not known."""
        ...
