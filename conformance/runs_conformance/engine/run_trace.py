"""The life of the run that a finding is about, look by look, as data."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON

MOST = 40
"""So many looks are told at most: the first ones, and those up to the one that shows it."""


def passage(history: History, shown: Exchange) -> list[JSON]:
    """What was done to the run that an exchange shows or names, and what was seen of it; nothing where there is none.

    Looks in a row that saw the same are one entry, with their number in `times`.
    """
    run = _run(history, shown)
    if run is None:
        return []
    entries: list[dict[str, JSON]] = []
    for entry in _entries(run, shown):
        last = entries[-1] if entries else {}
        alike = all(last.get(name) == entry[name] for name in ("operation", "http_status", "statuses"))
        if alike and entry["operation"] == "get_run" and not (entry["shows"] or last["shows"]):
            times = last["times"]
            entries[-1] = {**entry, "times": (times if isinstance(times, int) else 1) + 1}
        else:
            entries.append(entry)
    place = next((number for number, entry in enumerate(entries) if entry["shows"]), 0)
    if place >= MOST:
        entries = [*entries[: MOST // 4], *entries[place + 1 - 3 * MOST // 4 : place + 1]]
    return [*entries[:MOST]]


def _run(history: History, shown: Exchange) -> RunLine | None:
    lines = runs(history)
    named = next((run for run in lines if run.id == shown.path.get("run_id")), None)
    return named or next((run for run in lines if any(seen.exchange is shown for seen in run.sightings)), None)


def _entries(run: RunLine, shown: Exchange) -> Iterator[dict[str, JSON]]:
    statuses: dict[str, list[str]] = {}
    exchanges = {exchange.id: exchange for exchange in run.exchanges}
    for seen in run.sightings:
        exchanges[seen.exchange.id] = seen.exchange
        told = statuses.setdefault(seen.exchange.id, [])
        if not told or told[-1] != seen.status:
            told.append(seen.status[:40])
    ordered = sorted(exchanges.values(), key=lambda exchange: exchange.index)
    for exchange in ordered:
        yield {
            "exchange": exchange.id,
            "at": round(exchange.started - ordered[0].started, 3),
            "operation": exchange.operation,
            "http_status": exchange.status,
            "statuses": [*statuses.get(exchange.id, ())],
            "times": 1,
            "shows": exchange is shown,
        }
