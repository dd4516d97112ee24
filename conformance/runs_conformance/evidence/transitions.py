"""Transitions: the changes of runs from one status to another."""

from __future__ import annotations

from collections import Counter

from runs_conformance.evidence.run_timeline import runs
from runs_conformance.model.history import History

MAX_TRANSITIONS = 60
"""Maximum number of distinct transitions, so that a target with invented statuses cannot flood a report."""

MAX_STATUS_LENGTH = 40

Transitions = Counter[tuple[str, str]]
"""The number of observed changes from one status to another."""


def transitions(history: History) -> Transitions:
    """Every change of a run's status between consecutive observations."""
    counter: Transitions = Counter()
    for run in runs(history):
        for earlier, later in run.pairs():
            if earlier.status and later.status and earlier.status != later.status:
                counter[earlier.status[:MAX_STATUS_LENGTH], later.status[:MAX_STATUS_LENGTH]] += 1
    return most_frequent(counter)


def most_frequent(counter: Transitions) -> Transitions:
    """The most frequent transitions, at most `MAX_TRANSITIONS`."""
    return counter if len(counter) <= MAX_TRANSITIONS else Counter(dict(counter.most_common(MAX_TRANSITIONS)))
