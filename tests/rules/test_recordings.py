"""What was recorded of the real service breaks no rule of level must."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from runs_conformance.engine.judge import judge
from runs_conformance.model.source import Level
from runs_conformance.model.verdict import Tally, fold
from runs_conformance.recordings.load import read
from runs_conformance.rules import catalogue
from tests.recordings.exchanges import histories


@cache
def _tallies(folder: Path) -> dict[str, Tally]:
    told = histories(folder / "exchanges.jsonl")
    for file in sorted((folder / "cassettes").iterdir()):
        told.extend(read(file).histories)
    return fold(judge(history, catalogue()) for history in told)


@pytest.mark.parametrize("id_", sorted(catalogue()))
def test_rule_holds_on_all_that_was_recorded(recordings: Path, id_: str) -> None:
    tally = _tallies(recordings).get(id_, Tally())
    assert not tally.faults
    if catalogue()[id_].level is Level.MUST:
        assert not tally.findings


def test_most_topics_are_judged_by_what_was_recorded(recordings: Path) -> None:
    judged = {id_.partition(".")[0] for id_, tally in _tallies(recordings).items() if tally.judged}
    assert {"deltas", "errors", "events", "ids", "listing", "paging", "refusals", "streaming", "transport"} <= judged
