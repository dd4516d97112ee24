"""The timeline of the run that a finding is about, as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.evidence.run_timeline import runs as run_timelines
from runs_conformance.evidence.transitions import MAX_STATUS_LENGTH
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON

MAX_ENTRIES = 40
"""Maximum number of entries: the first 40, or the first 10 and the last 30 if the failing exchange comes later."""


def run_trace(history: History, failing: Exchange) -> list[JSON]:
    """The actions on, and observations of, the run that an exchange names or shows; empty if there is none.

    Consecutive polls with the same status are collapsed into one entry; `times` counts them, `at` and `exchange` are
    those of the last one. `shows` marks the exchange that shows the violation, which is never collapsed. Entries after
    that exchange are kept only if there is room for them.
    """
    run = _find_run(history, failing)
    if run is None:
        return []
    entries: list[dict[str, JSON]] = []
    for entry in _entries(run, failing):
        last = entries[-1] if entries else {}
        alike = all(last.get(name) == entry[name] for name in ("operation", "http_status", "statuses"))
        if alike and entry["operation"] == "get_run" and not (entry["shows"] or last["shows"]):
            times = last["times"]
            entries[-1] = {**entry, "times": (times if isinstance(times, int) else 1) + 1}
        else:
            entries.append(entry)
    position = next((index for index, entry in enumerate(entries) if entry["shows"]), 0)
    if position >= MAX_ENTRIES:
        entries = [*entries[: MAX_ENTRIES // 4], *entries[position + 1 - 3 * MAX_ENTRIES // 4 : position + 1]]
    return [*entries[:MAX_ENTRIES]]


def _find_run(history: History, failing: Exchange) -> RunTimeline | None:
    timelines = run_timelines(history)
    named = next((run for run in timelines if run.id == failing.path.get("run_id")), None)
    return named or next(
        (run for run in timelines if any(observation.exchange is failing for observation in run.observations)), None
    )


def _entries(run: RunTimeline, failing: Exchange) -> Iterator[dict[str, JSON]]:
    statuses: dict[str, list[str]] = {}
    exchanges = {exchange.id: exchange for exchange in run.exchanges}
    for observation in run.observations:
        exchanges[observation.exchange.id] = observation.exchange
        observed = statuses.setdefault(observation.exchange.id, [])
        status = observation.status[:MAX_STATUS_LENGTH]
        if not observed or observed[-1] != status:
            observed.append(status)
    ordered = sorted(exchanges.values(), key=lambda exchange: exchange.index)
    for exchange in ordered:
        yield {
            "exchange": exchange.id,
            "at": round(exchange.started - ordered[0].started, 3),
            "operation": exchange.operation,
            "http_status": exchange.status,
            "statuses": [*statuses.get(exchange.id, ())],
            "times": 1,
            "shows": exchange is failing,
        }
