"""Recorded traffic of the real service violates no rule of level must."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from runs_conformance.engine.judge import judge
from runs_conformance.model.source import Level
from runs_conformance.model.verdict import Tally, merge_tallies
from runs_conformance.recordings.load import load_traffic
from runs_conformance.rules import catalogue
from tests.recordings.exchanges import histories


@cache
def _tallies(folder: Path) -> dict[str, Tally]:
    recorded = histories(folder / "exchanges.jsonl")
    for file in sorted((folder / "cassettes").iterdir()):
        recorded.extend(load_traffic(file).histories)
    return merge_tallies(judge(history, catalogue()) for history in recorded)


@pytest.mark.parametrize("id_", sorted(catalogue()))
def test_rule_passes_on_all_recorded_traffic(recordings: Path, id_: str) -> None:
    tally = _tallies(recordings).get(id_, Tally())
    assert not tally.errors
    if catalogue()[id_].level is Level.MUST:
        assert not tally.findings


def test_recorded_traffic_exercises_most_topics(recordings: Path) -> None:
    judged = {id_.partition(".")[0] for id_, tally in _tallies(recordings).items() if tally.judged}
    assert {"deltas", "errors", "events", "ids", "listing", "paging", "refusals", "streaming", "transport"} <= judged
