"""The names of outcomes, the same in every view."""

from __future__ import annotations

from runs_conformance.model.verdict import Outcome

DISPLAY_ORDER = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.INCONCLUSIVE,
    Outcome.ERROR,
    Outcome.NOT_JUDGED,
    Outcome.NOT_APPLICABLE,
)


def outcome_name(outcome: Outcome) -> str:
    """The name of an outcome for people, such as `not judged`."""
    return outcome.value.replace("_", " ")
