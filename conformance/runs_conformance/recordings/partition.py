"""Cuts a recorded history into parts that can be judged separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runs_conformance.model.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Partition:
    """Exchanges that are judged together.

    `exchanges` were recorded faithfully. `damaged` lost something, so each of them is judged alone and by its answer.
    `gap` says what the recorder lost; the other exchanges are then a partial history. `complete` are those that had
    ended before the first loss, which are a complete one.
    """

    exchanges: tuple[Exchange, ...]
    damaged: tuple[Exchange, ...] = ()
    gap: str = ""

    @property
    def complete(self) -> tuple[Exchange, ...]:
        """The exchanges that had ended when the first damaged one began."""
        if not self.damaged:
            return self.exchanges
        first = min(exchange.started for exchange in self.damaged)
        return tuple(exchange for exchange in self.exchanges if exchange.ended <= first)


def separate_damaged(exchanges: Sequence[Exchange]) -> Partition:
    """Separate the exchanges of which the recorder lost something."""
    sound = tuple(exchange for exchange in exchanges if not exchange.loss)
    damaged = tuple(exchange for exchange in exchanges if exchange.loss)
    gap = f"{damaged[0].loss} of {damaged[0].id}, which may explain it" if damaged else ""
    return Partition(sound, damaged, gap)
