"""The ordered exchanges of one program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.model.exchange import Exchange


@dataclass(frozen=True, eq=False)
class History:
    """The exchanges of one program, ordered by start. Rules see nothing else.

    `strict` ignores the known deviations of the real service, so nothing is excused by them. A `partial` history lacks
    requests that concern the same objects, of other clients or lost by the recorder; `missing_data_reason` says which,
    if that is known.
    Views of a history, such as run timelines, streams and pages, are derived in `runs_conformance.evidence`.
    """

    program: str
    exchanges: tuple[Exchange, ...]
    strict: bool = False
    partial: bool = False
    missing_data_reason: str = ""

    @classmethod
    def of(
        cls,
        exchanges: Iterable[Exchange],
        program: str = "",
        strict: bool = False,
        partial: bool = False,
        missing_data_reason: str = "",
    ) -> History:
        """Build a history from exchanges in any order."""
        ordered = tuple(sorted(exchanges, key=lambda exchange: exchange.index))
        return cls(program or (ordered[0].program if ordered else ""), ordered, strict, partial, missing_data_reason)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self.exchanges)

    def find(self, id_: str) -> Exchange | None:
        """The exchange with this id."""
        return next((exchange for exchange in self.exchanges if exchange.id == id_), None)
