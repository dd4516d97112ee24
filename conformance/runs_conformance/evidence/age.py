"""How old a run was when it was seen: from its own stamps and the time that passed between two looks.

The target's clock may be minutes away from ours, so the two are never compared. That an hour is as long there as here
is all that is assumed.
"""

from __future__ import annotations

from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.timeline import RunTimeline


def minimum_age(run: RunTimeline, sighting: Observation) -> float:
    """The seconds that had surely passed since the run's `created_at` when this was seen."""
    return max(0.0, sighting.earliest - run.observations[0].latest)


def maximum_age(run: RunTimeline, sighting: Observation) -> float | None:
    """The seconds that can at most have passed since the run's `created_at`; None where its creation was not recorded.

    One second more than by the clock, because `created_at` is cut to whole seconds.
    """
    return None if run.creation is None else sighting.latest - run.creation.started + 1.0


def lifetime(run: RunTimeline) -> float | None:
    """The seconds from `created_at` to `expires_at`, as the run first showed both; None where it never did."""
    for sighting in run.observations:
        created, expires = sighting.time("created_at"), sighting.time("expires_at")
        if created is not None and expires is not None:
            return expires - created
    return None
