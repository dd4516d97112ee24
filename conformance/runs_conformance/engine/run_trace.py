"""The timeline of the run that a finding is about, as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON

MAX_ENTRIES = 40
"""Maximum number of entries: the first ones, and those up to the failing exchange."""


def run_trace(history: History, shown: Exchange) -> list[JSON]:
    """Return the actions on, and observations of, the run that an exchange names or shows; empty if there is none.

    Consecutive polls with the same status are one entry, with their number in `times`.
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
    if place >= MAX_ENTRIES:
        entries = [*entries[: MAX_ENTRIES // 4], *entries[place + 1 - 3 * MAX_ENTRIES // 4 : place + 1]]
    return [*entries[:MAX_ENTRIES]]


def _run(history: History, shown: Exchange) -> RunTimeline | None:
    lines = runs(history)
    named = next((run for run in lines if run.id == shown.path.get("run_id")), None)
    return named or next((run for run in lines if any(seen.exchange is shown for seen in run.observations)), None)


def _entries(run: RunTimeline, shown: Exchange) -> Iterator[dict[str, JSON]]:
    statuses: dict[str, list[str]] = {}
    exchanges = {exchange.id: exchange for exchange in run.exchanges}
    for seen in run.observations:
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
