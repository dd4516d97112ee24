"""What happened in one program, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.model.exchange import Exchange


@dataclass(frozen=True, eq=False)
class History:
    """The exchanges of one program in the order in which they started. Rules see nothing else.

    `strict` drops what is excused only because the service is recorded to have done it. A `partial` history does not
    hold all that was done to its objects: somebody else works with them too. Views of a history (timelines
    of runs, streams, pages) are derived in `runs_conformance.evidence`.
    """

    program: str
    exchanges: tuple[Exchange, ...]
    strict: bool = False
    partial: bool = False

    @classmethod
    def of(
        cls, exchanges: Iterable[Exchange], program: str = "", strict: bool = False, partial: bool = False
    ) -> History:
        """A history of these exchanges, put in order."""
        ordered = tuple(sorted(exchanges, key=lambda exchange: exchange.index))
        return cls(program or (ordered[0].program if ordered else ""), ordered, strict, partial)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self.exchanges)

    def find(self, id_: str) -> Exchange | None:
        """The exchange with this id."""
        return next((exchange for exchange in self.exchanges if exchange.id == id_), None)
