"""The transitions of runs that a history shows."""

from __future__ import annotations

from collections import Counter

from runs_conformance.evidence.timeline import runs
from runs_conformance.model.history import History

MAX_TRANSITIONS = 60
"""So many different transitions are kept: a target that invents statuses must not fill a report."""

_LONGEST = 40

Transitions = Counter[tuple[str, str]]
"""How often runs were seen in one status, and next in another."""


def transitions(history: History) -> Transitions:
    """Every change of a run's status between two looks of which one was certainly before the other."""
    seen: Transitions = Counter()
    for run in runs(history):
        for earlier, later in run.pairs():
            if earlier.status and later.status and earlier.status != later.status:
                seen[earlier.status[:_LONGEST], later.status[:_LONGEST]] += 1
    return most_frequent(seen)


def most_frequent(seen: Transitions) -> Transitions:
    """The transitions, without the rarest where there are too many."""
    return seen if len(seen) <= MAX_TRANSITIONS else Counter(dict(seen.most_common(MAX_TRANSITIONS)))
