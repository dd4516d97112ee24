"""The interface of admission control, which every request attempt has to pass."""

from __future__ import annotations

from typing import Protocol

from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange


class Admission(Protocol):
    """Admits or refuses requests."""

    def admit(self, step: Step | None) -> None:
        """Block until the request may be sent. Raises BudgetExhausted if it must not be."""
        ...

    def release(self, step: Step | None, exchange: Exchange | None) -> None:
        """Account for an admitted request. `exchange` is None if its outcome is unknown."""
        ...
