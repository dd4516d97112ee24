"""Limits: where a target's bound really is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """The bound that a target keeps at the place of a constraint, beside the one that the contract states.

    `accepted` is the outermost value that was taken, `refused` the nearest beyond it that was not; None where nothing
    was taken, or everything that was tried. Values are numbers, or lengths in characters, items or members.
    """

    id: str
    stated: int
    accepted: int | None
    refused: int | None

    @property
    def text(self) -> str:
        """The bound in words."""
        if self.accepted is None:
            upto = f" up to {self.refused:,}" if self.refused is not None else " that was tried"
            return f"takes nothing{upto}; the contract says {self.stated:,}"
        beyond = f"not {self.refused:,}" if self.refused is not None else "nothing that was tried is refused"
        return f"takes {self.accepted:,}, {beyond}; the contract says {self.stated:,}"
