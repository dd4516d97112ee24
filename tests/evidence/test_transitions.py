"""Status changes are counted, and each is allowed, explained or wrong."""

from __future__ import annotations

from collections import Counter

from runs_conformance.contract.lifecycle import classify_transition
from runs_conformance.evidence.transitions import MAX_TRANSITIONS, most_frequent, transitions
from tests.rules.histories import HistoryBuilder, run


def test_status_changes_are_counted() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "queued", "in_progress", "in_progress", "completed")
    builder.send("get_run", run("queued"))
    assert transitions(builder.history()) == {
        ("queued", "in_progress"): 1,
        ("in_progress", "completed"): 1,
        ("completed", "queued"): 1,
    }


def test_statuses_and_transitions_are_limited() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "x" * 10_000)
    ((_, later),) = transitions(builder.history())
    assert len(later) == 40
    counter = Counter({("queued", str(number)): number + 1 for number in range(1_000)})
    kept = most_frequent(counter)
    assert len(kept) == MAX_TRANSITIONS
    assert ("queued", "999") in kept


def test_a_transition_is_direct_explained_or_not_allowed() -> None:
    assert classify_transition("queued", "in_progress") == "direct"
    assert classify_transition("queued", "completed") == "between_looks"
    assert classify_transition("requires_action", "requires_action") == "between_looks"
    for earlier, later in (
        ("completed", "queued"),
        ("cancelling", "in_progress"),
        ("queued", "running"),
        ("x", "queued"),
    ):
        assert classify_transition(earlier, later) == "illegal"
