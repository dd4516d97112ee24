"""A recording that is read in a stream is judged as one that is loaded as a whole."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.recordings import write_recording
from runs_conformance.app.judge_partition import judge_job
from runs_conformance.app.judge_recording import cut_recording, judge, judge_traffic, merge_verdicts
from runs_conformance.app.options import RunOptions
from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings import recording_index
from runs_conformance.recordings.har_file import open_har
from runs_conformance.recordings.load import load_traffic
from runs_conformance.recordings.partition_reference import HarReference
from runs_conformance.recordings.recording_index import RecordingIndex
from runs_conformance.reporting.report import Report
from tests.recordings.damages import DAMAGES, Damage, Entry
from tests.recordings.traffic import FLOWS, clean_entries


def _write(entries: list[Entry], path: Path, **options: object) -> Path:
    path.write_text(json.dumps({"log": {"entries": entries}}, **options))  # type: ignore[arg-type]
    return path


def _all_flows() -> list[Entry]:
    return [entry for flow in FLOWS for entry in json.loads(clean_entries(flow.__name__))]


def _exchanges(path: Path, size: int = 10**9) -> list[Exchange]:
    file = open_har(str(path))
    assert file is not None
    index = RecordingIndex(file)
    found: list[Exchange] = []
    for reference in index.partitions(size):
        partition, _ = pickle.loads(pickle.dumps(reference)).load()
        own = (*partition.exchanges, *partition.damaged)
        found += [exchange for exchange in own if exchange.id not in partition.dependency_exchange_ids]
    index.close()
    return sorted(found, key=lambda exchange: (exchange.program, exchange.index))


def _references(path: Path) -> Iterator[HarReference]:
    file = open_har(str(path))
    assert file is not None
    return RecordingIndex(file).partitions()


def _loaded(path: Path) -> list[Exchange]:
    return [exchange for history in load_traffic(path).histories for exchange in history]


def _comparable(report: Report) -> Report:
    return replace(report, usage=replace(report.usage, seconds=0.0))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_exchanges_are_those_of_the_loaded_recording(damage: Damage, tmp_path: Path) -> None:
    path = _write(damage(_all_flows(), random.Random(2)), tmp_path / "session.har")
    loaded = _loaded(path)
    for size in (10**9, 20):
        assert _exchanges(path, size) == loaded


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_places_are_counted_in_bytes(ensure_ascii: bool, tmp_path: Path) -> None:
    entries = _all_flows()
    for number, entry in enumerate(entries):
        entry["comment"] = "é" * number + "\U0001f600"
    path = _write(entries, tmp_path / "session.har", ensure_ascii=ensure_ascii, indent=1)
    assert _exchanges(path, 10) == _loaded(path)


def test_bytes_that_are_not_utf8_are_read(tmp_path: Path) -> None:
    path = _write(_all_flows(), tmp_path / "session.har", indent=1)
    damaged = path.read_bytes().replace(b"How are you?", b"H\xf6w are y\xff\xffu?").replace(b"\n", b"\r\n")
    path.write_bytes(damaged)
    exchanges = _exchanges(path, 10)
    assert exchanges == _loaded(path)
    assert any("H\ufffdw are" in str(exchange.request.body) for exchange in exchanges)


def test_compressed_recordings_are_unpacked_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    (tmp_path / "unpacked").mkdir()
    plain = _write(_all_flows(), tmp_path / "session.har")
    packed = tmp_path / "session.har.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    archive = tmp_path / "session.har.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(plain, "har.har")
    expected = _comparable(judge([plain], RunOptions()).report)
    for path in (packed, archive):
        judged = judge([path], RunOptions(), jobs=2).report
        assert Counter((v.id, v.outcome, v.judged) for v in judged.verdicts) == Counter(
            (v.id, v.outcome, v.judged) for v in expected.verdicts
        )
    assert list((tmp_path / "unpacked").iterdir()) == []


@pytest.mark.parametrize("keys", [2, 3])
def test_each_key_is_a_client_of_its_own(keys: int, tmp_path: Path) -> None:
    entries = _all_flows()
    for number, entry in enumerate(entries):
        key = f"Bearer sk-0123456789abcdef{number % keys}"
        entry["request"]["headers"] = [{"name": "Authorization", "value": key}] if number % 7 else []
    path = _write(entries, tmp_path / "session.har")
    assert _exchanges(path, 20) == _loaded(path)
    assert len({exchange.program for exchange in _exchanges(path)}) == keys
    assert all(reference.partial for reference in _references(path))


def test_parts_merge_into_the_report_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "session.har"
    write_recording(path, 450)
    recording = cut_recording(path)
    detached = pickle.loads(pickle.dumps(recording.detach()))
    jobs = [pickle.loads(pickle.dumps(job)) for job in detached.jobs]
    assert len(jobs) > 1
    shuffled = random.Random(1).sample(range(len(jobs)), len(jobs))
    by_number = {number: pickle.loads(pickle.dumps(judge_job(jobs[number], RunOptions()))) for number in shuffled}
    merged = merge_verdicts([detached], [by_number[number] for number in range(len(jobs))], RunOptions()).report
    assert merged == judge([path], RunOptions()).report


def test_report_is_that_of_loaded_traffic(tmp_path: Path) -> None:
    path = tmp_path / "session.har"
    write_recording(path, 250)
    streamed = judge([path], RunOptions()).report
    loaded = judge_traffic("session.har", [load_traffic(path)], RunOptions())
    assert {v.id: (v.outcome, v.judged) for v in streamed.verdicts} == {
        v.id: (v.outcome, v.judged) for v in loaded.verdicts
    }


def _fail(entry: Entry) -> None:
    text = json.dumps({"error": {"message": "oops", "type": "server_error", "param": None, "code": None}})
    entry["response"] |= {"status": 500, "content": {"size": len(text), "mimeType": "application/json", "text": text}}


def test_failures_in_several_partitions_count_together(tmp_path: Path) -> None:
    path = tmp_path / "session.har"
    write_recording(path, 600)
    entries = json.loads(path.read_text())["log"]["entries"]
    deletions = [
        entry for entry in entries if entry["request"]["method"] == "DELETE" and "/messages/" in entry["request"]["url"]
    ]
    _fail(deletions[0])
    verdicts = {verdict.id: verdict for verdict in judge([_write(entries, path)], RunOptions()).report.verdicts}
    assert verdicts["errors.requests_do_not_break_the_server"].outcome == "inconclusive"
    _fail(deletions[-1])
    verdicts = {verdict.id: verdict for verdict in judge([_write(entries, path)], RunOptions()).report.verdicts}
    assert verdicts["errors.requests_do_not_break_the_server"].outcome == "fail"
    assert len(list(_references(path))) > 2


def test_rule_about_a_whole_history_is_judged_once(tmp_path: Path) -> None:
    short, long = tmp_path / "short.har", tmp_path / "long.har"
    write_recording(short, 100)
    write_recording(long, 800)
    counts = [
        {verdict.id: verdict.judged for verdict in judge([path], RunOptions()).report.verdicts}
        for path in (short, long)
    ]
    for id_ in ("errors.requests_do_not_break_the_server", "ids.ids_cannot_be_guessed"):
        assert counts[0][id_] == counts[1][id_] > 0


def test_verdicts_say_on_how_many_entries_they_rest(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("tools"))
    for entry in entries[1:]:
        entry["request"]["url"] = entry["request"]["url"].replace("/v1/", "/other/").replace("threads", "things")
        entry["request"]["url"] = entry["request"]["url"].replace("assistants", "helpers")
    report = judge([_write(entries, tmp_path / "session.har")], RunOptions()).report
    assert f"judged 1 of {len(entries)} entries" in (report.reason or "")


def test_skipped_entries_are_counted_beyond_those_that_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_index, "MAX_SKIPPED", 3)
    entries = json.loads(clean_entries("tools"))
    others = json.loads(json.dumps(entries[:10]))
    for entry in others:
        entry["request"]["url"] = "https://example.com/elsewhere"
    review = judge([_write([*entries, *others], tmp_path / "session.har")], RunOptions())
    assert (len(review.skipped), review.skipped_count) == (3, 10)
