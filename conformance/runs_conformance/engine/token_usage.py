"""The runs in an exchange, and the tokens that they report to have used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.event import readable_events
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_object


def runs_in(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """Yield the run objects in the body and events of an exchange."""
    for value in (exchange.body, *(event.data for event in readable_events(exchange.events))):
        if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("id"), str):
            yield value


def token_usage(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield (run id, total tokens) for each run in an exchange that reports its usage.

    A total of 0 says nothing before the run has ended: some servers show zeros until then.
    """
    for run in runs_in(exchange):
        usage = run.get("usage")
        total = usage.get("total_tokens") if is_object(usage) else None
        has_ended = str(run.get("status")) in TERMINAL
        if isinstance(total, int) and not isinstance(total, bool) and (total > 0 or (total == 0 and has_ended)):
            yield str(run["id"]), total


@dataclass(slots=True)
class TokenCount:
    """The tokens of all runs: the largest total that each of them reported, since usage grows while a run works."""

    total: int | None = None
    _by_run: dict[str, int] = field(default_factory=dict)

    def record(self, exchange: Exchange) -> list[tuple[str, int]]:
        """Count the usage that an exchange reports, and return it by run."""
        reported = list(token_usage(exchange))
        for id_, total in reported:
            known = self._by_run.get(id_, 0)
            self._by_run[id_] = max(known, total)
            self.total = (self.total or 0) + max(0, total - known)
        return reported
