"""The graph draws every status and every documented transition."""

from __future__ import annotations

import re

from runs_conformance.contract.lifecycle import STATUSES, TRANSITIONS
from runs_conformance.reporting.graph import HEIGHT, WIDTH, build_graph
from runs_conformance.reporting.report import Transition

SEEN = (
    Transition("queued", "in_progress", 7, "direct"),
    Transition("queued", "completed", 2, "between_looks"),
    Transition("completed", "queued", 1, "illegal"),
    Transition("queued", "running", 3, "illegal"),
)


def test_every_status_and_every_documented_transition_is_drawn() -> None:
    drawn = build_graph(())
    assert {node.status for node in drawn.nodes} == set(STATUSES)
    allowed = {(earlier, later) for earlier, following in TRANSITIONS.items() for later in following}
    assert {(edge.earlier, edge.later) for edge in drawn.edges} == allowed
    assert {edge.kind for edge in drawn.edges} == {"unseen"}


def test_edges_are_drawn_by_importance() -> None:
    drawn = build_graph(SEEN)
    counts = {(edge.earlier, edge.later): (edge.kind, edge.count) for edge in drawn.edges}
    assert counts["queued", "in_progress"] == ("direct", 7)
    assert counts["queued", "completed"] == ("between_looks", 2)
    assert drawn.edges[-1].kind == "illegal"
    assert {node.status for node in drawn.nodes if node.seen} == {"queued", "in_progress", "completed"}


def test_undocumented_statuses_are_listed_separately() -> None:
    drawn = build_graph(SEEN)
    assert [each.later for each in drawn.unknown] == ["running"]
    assert all("running" not in (edge.earlier, edge.later) for edge in drawn.edges)


def test_edges_stay_inside_and_differ() -> None:
    every = tuple(Transition(a, b, 1, "illegal") for a in STATUSES for b in STATUSES if a != b)
    drawn = build_graph(every)
    for edge in drawn.edges:
        numbers = [float(number) for number in re.findall(r"-?\d+\.\d", edge.path)]
        assert all(-60 <= x <= WIDTH + 60 for x in numbers[::2])
        assert all(-60 <= y <= HEIGHT + 60 for y in numbers[1::2])
    assert len({edge.path for edge in drawn.edges}) == len(drawn.edges) == 72
