"""The runs in an exchange, and the tokens that they report to have used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.contract.event import readable_events
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_object


def runs_in(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """Yield the run objects in the body and events of an exchange."""
    for value in (exchange.body, *(event.data for event in readable_events(exchange.events))):
        if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("id"), str):
            yield value


def token_usage(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield (run id, total tokens) for each run in an exchange that reports its usage."""
    for run in runs_in(exchange):
        usage = run.get("usage")
        total = usage.get("total_tokens") if is_object(usage) else None
        if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
            yield str(run["id"]), total
