"""Where a run's settings come from: the request that created it, and its assistant as it then was."""

from __future__ import annotations

from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.request_expectation import understood
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.timeline import RunLine, assistants


def first_shown(run: RunLine) -> Sighting | None:
    """The run as the request that created it first showed it; None where either is not known."""
    if run.creation is not None and not understood(run.creation):
        return None
    return next((seen for seen in run.sightings if seen.exchange is run.creation), None)


def assistant_then(run: RunLine) -> Sighting | None:
    """The run's assistant as it certainly was when the run was created; None where that is not certain."""
    creation, wanted = run.creation, run.asked.get("assistant_id")
    line = next((each for each in assistants(run.history) if each.id == wanted), None)
    seen = line.before(creation) if line is not None and creation is not None else None
    if seen is None or creation is None:
        return None
    changed = any(
        exchange.operation == "modify_assistant"
        and exchange.path.get("assistant_id") == wanted
        and exchange is not seen.exchange
        and took_effect(exchange)
        and exchange.ended >= seen.begins
        and exchange.started <= creation.ended
        for exchange in run.history
    )
    return None if changed else seen
