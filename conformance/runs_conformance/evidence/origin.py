"""Where a run's settings come from: the request that created it, and its assistant as it then was."""

from __future__ import annotations

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_action import may_have_taken_effect
from runs_conformance.evidence.timeline import RunTimeline, assistants


def settings_at_creation(run: RunTimeline) -> Observation | None:
    """The run as the request that created it first showed it; None where either is not known."""
    if run.creation is not None and not is_interpretable(run.creation):
        return None
    return next((seen for seen in run.observations if seen.exchange is run.creation), None)


def assistant_at_creation(run: RunTimeline) -> Observation | None:
    """The run's assistant as it certainly was when the run was created; None where that is not certain."""
    creation, wanted = run.creation, run.creation_body.get("assistant_id")
    line = next((each for each in assistants(run.history) if each.id == wanted), None)
    seen = line.latest_before(creation) if line is not None and creation is not None else None
    if seen is None or creation is None:
        return None
    changed = any(
        exchange.operation == "modify_assistant"
        and exchange.path.get("assistant_id") == wanted
        and exchange is not seen.exchange
        and may_have_taken_effect(exchange)
        and exchange.ended >= seen.earliest
        and exchange.started <= creation.ended
        for exchange in run.history
    )
    return None if changed else seen
