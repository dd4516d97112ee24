"""Splitting a recording changes no verdict, and neither does the number of processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.recordings import write_recording
from runs_conformance.app.judge_recording import judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.recordings import partition
from runs_conformance.recordings.load import load_traffic


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "session.har"
    write_recording(path, 300)
    return path


def _outcomes(verdicts: tuple[Verdict, ...]) -> dict[str, Outcome]:
    return {verdict.id: verdict.outcome for verdict in verdicts}


def test_every_exchange_is_in_one_partition(recording: Path) -> None:
    (history,) = load_traffic(recording).histories
    parts = list(partition.split_into_partitions(history.exchanges, 50))
    assert len(parts) > 3
    own = [each.id for part in parts for each in part.exchanges if each.id not in part.dependency_exchange_ids]
    assert sorted(own) == sorted(exchange.id for exchange in history)


def test_exchanges_of_a_thread_stay_together(recording: Path) -> None:
    (history,) = load_traffic(recording).histories
    places: dict[str, set[int]] = {}
    for number, part in enumerate(partition.split_into_partitions(history.exchanges, 1)):
        for exchange in part.exchanges:
            if thread := exchange.path.get("thread_id"):
                places.setdefault(thread, set()).add(number)
    assert len(places) > 10
    assert all(len(numbers) == 1 for numbers in places.values())


def test_threads_that_show_the_same_object_stay_together(recording: Path) -> None:
    (history,) = load_traffic(recording).histories
    threads = list(dict.fromkeys(each.path["thread_id"] for each in history if "thread_id" in each.path))[:2]
    first = next(
        each for each in history if each.operation == "create_message" and each.path["thread_id"] == threads[0]
    )
    leaked = replace(first, id="leaked", index=10**6, path={"thread_id": threads[1]})
    parts = list(partition.split_into_partitions([*history.exchanges, leaked], 1))
    (holder,) = [part for part in parts if any(each.id == "leaked" for each in part.exchanges)]
    assert set(threads) <= {each.path.get("thread_id") for each in holder.exchanges}


def test_split_recording_has_the_same_outcomes(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = _outcomes(judge([recording], RunOptions()).report.verdicts)
    monkeypatch.setattr(
        "runs_conformance.app.judge_partition.split_into_partitions",
        lambda exchanges: partition.split_into_partitions(exchanges, 10**9),
    )
    assert split == _outcomes(judge([recording], RunOptions()).report.verdicts)


def test_finding_in_one_of_many_threads_is_found_once(recording: Path) -> None:
    document = json.loads(recording.read_text())
    answer = document["log"]["entries"][-1]["response"]
    answer["content"]["text"] = answer["content"]["text"].replace('"object":', '"objekt":', 1)
    recording.write_text(json.dumps(document))
    failed = [verdict for verdict in judge([recording], RunOptions()).report.verdicts if verdict.outcome == "fail"]
    assert failed
    assert all(len({(f.exchange, f.pointer) for f in each.findings}) == len(each.findings) for each in failed)


def test_number_of_processes_does_not_change_the_report(recording: Path) -> None:
    one, two = (judge([recording], RunOptions(), jobs=jobs).report for jobs in (1, 2))
    assert replace(one, usage=replace(one.usage, seconds=0.0)) == replace(two, usage=replace(two.usage, seconds=0.0))
