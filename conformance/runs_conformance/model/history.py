"""The ordered exchanges of one program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

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
        return self._by_id.get(id_)

    def select(self, *operations: str) -> tuple[Exchange, ...]:
        """The exchanges of these operations, in order."""
        found = self._selected.get(operations)
        if found is None:
            found = tuple(exchange for exchange in self.exchanges if exchange.operation in operations)
            self._selected[operations] = found
        return found

    def in_thread(self, thread_id: str, *operations: str) -> tuple[Exchange, ...]:
        """The exchanges of these operations whose path names a thread, in order."""
        threads = self._by_thread.get(operations)
        if threads is None:
            grouped: dict[str, list[Exchange]] = {}
            for exchange in self.select(*operations):
                if (named := exchange.path.get("thread_id")) is not None:
                    grouped.setdefault(named, []).append(exchange)
            threads = self._by_thread[operations] = {named: tuple(those) for named, those in grouped.items()}
        return threads.get(thread_id, ())

    @cached_property
    def _by_id(self) -> dict[str, Exchange]:
        return {exchange.id: exchange for exchange in reversed(self.exchanges)}

    @cached_property
    def _selected(self) -> dict[tuple[str, ...], tuple[Exchange, ...]]:
        """The exchanges of some operations; rules ask for the same ones again and again."""
        return {}

    @cached_property
    def _by_thread(self) -> dict[tuple[str, ...], dict[str, tuple[Exchange, ...]]]:
        return {}

    def __getstate__(self) -> dict[str, object]:
        """The history without what is derived from it."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
