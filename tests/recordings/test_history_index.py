"""A `history.jsonl` of any size is judged in partitions that are read from the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runs_conformance.app.judge_recording import cut_recording, cut_traffic, judge, judge_traffic
from runs_conformance.app.options import RunOptions
from runs_conformance.app.recorded_history import write_recorded_history
from runs_conformance.errors import UsageError
from runs_conformance.recordings import history_index
from runs_conformance.recordings.history_index import HistoryIndex
from runs_conformance.recordings.load import load_traffic
from runs_conformance.recordings.partition import Partition
from tests.recordings.traffic import FLOWS, clean_entries


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The history of clients that share nothing but assistants, with an entry that lost its response."""
    entries = [entry for flow in FLOWS for entry in json.loads(clean_entries(flow.__name__))]
    entries[7]["response"]["content"] = {}
    (tmp_path / "session.har").write_text(json.dumps({"log": {"entries": entries}}))
    write_recorded_history([tmp_path / "session.har"], tmp_path / "history.jsonl")
    return tmp_path / "history.jsonl"


def _places(partition: Partition) -> tuple[list[str], list[str], str, float, frozenset[str]]:
    exchanges, damaged = ([each.id for each in those] for those in (partition.exchanges, partition.damaged))
    return (
        exchanges, damaged, partition.missing_data_reason, partition.complete_until, partition.dependency_exchange_ids
    )  # fmt: skip


def test_partitions_are_those_of_loaded_traffic(recorded: Path) -> None:
    streamed = [_places(job.load()[0]) for job in HistoryIndex(str(recorded)).partitions()]
    loaded = [job.partition for job in cut_traffic(str(recorded), load_traffic(recorded)).jobs]  # type: ignore[union-attr]
    assert streamed == [_places(partition) for partition in loaded]


def test_small_partitions_hold_every_exchange_once(recorded: Path) -> None:
    jobs = list(HistoryIndex(str(recorded)).partitions(20))
    partitions = [job.load()[0] for job in jobs]
    own = [
        exchange.id
        for partition in partitions
        for exchange in (*partition.exchanges, *partition.damaged)
        if exchange.id not in partition.dependency_exchange_ids
    ]
    (history,) = load_traffic(recorded).histories
    assert len(jobs) > 2
    assert all(job.is_part for job in jobs)
    assert sorted(own) == sorted(exchange.id for exchange in history)


def test_report_is_that_of_loaded_traffic(recorded: Path) -> None:
    streamed = judge([recorded], RunOptions()).report
    assert streamed == judge_traffic("history.jsonl", [load_traffic(recorded)], RunOptions())
    assert streamed.usage.requests > 50


def test_line_that_cannot_be_read_is_named(recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    recorded.write_text("".join([*lines[:4], '{"type": "exchange"}\n', *lines[4:]]))
    with pytest.raises(UsageError, match=r"history\.jsonl:5: not an exchange"):
        judge([recorded], RunOptions())


def test_last_line_may_be_truncated(recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    whole = cut_recording(recorded).entry_count
    recorded.write_text("".join([*lines[:-1], lines[-2][:50]]))
    review = judge([recorded], RunOptions())
    assert review.skipped == (f"{recorded}:{len(lines)}: truncated: the test run that wrote it was killed",)
    assert review.report.usage.requests == whole


def test_program_that_is_judged_as_a_whole_is_bounded(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = {"id": "s1", "operation": "get_thread", "kind": "valid"}
    lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    monkeypatch.setattr(history_index, "_MAX_VALUES", 100)
    assert HistoryIndex(str(recorded)).entry_count > 50
    sent = [line | {"step": step} if line.get("type") == "exchange" else line for line in lines]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in sent))
    with pytest.raises(UsageError, match="JSON values"):
        HistoryIndex(str(recorded))
