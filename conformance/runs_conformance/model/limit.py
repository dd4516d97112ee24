"""The limits that a target enforces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit that a target enforces for a constraint, and the one that the contract states.

    `accepted` is the most extreme value that was accepted, None if every tried value was refused. `refused` is the
    nearest refused value beyond it, None if every tried value was accepted. Values are numbers, or lengths in
    characters, items or members.
    """

    id: str
    stated: int
    accepted: int | None
    refused: int | None

    @property
    def text(self) -> str:
        """The limit in words."""
        if self.accepted is None:
            tried = f"nothing up to {self.refused:,}" if self.refused is not None else "no value that was tried"
            return f"accepts {tried}; the contract says {self.stated:,}"
        beyond = f"not {self.refused:,}" if self.refused is not None else "and every value that was tried"
        return f"accepts {self.accepted:,}, {beyond}; the contract says {self.stated:,}"
