"""Exchanges that several recordings hold are judged once, and those that only look alike are all judged."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge, judge_traffic
from runs_conformance.app.options import RunOptions
from runs_conformance.app.recorded_history import write_recorded_history
from runs_conformance.model.verdict import Outcome
from runs_conformance.recordings.load import load_traffic
from tests.recordings.traffic import clean_entries

Entries = list[dict[str, Any]]


@pytest.fixture
def entries() -> Entries:
    found: Entries = json.loads(clean_entries("tools"))
    return found


def _write(folder: Path, name: str, entries: Entries) -> Path:
    path = folder / name
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return path


def _review(*paths: Path) -> RecordingReview:
    return judge(paths, RunOptions())


def _verdicts(review: RecordingReview) -> dict[str, tuple[str, int]]:
    return {each.id: (each.outcome, each.judged) for each in review.report.verdicts}


def _as_cassette(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def message(each: dict[str, Any], body: str) -> dict[str, Any]:
        return {"headers": {field["name"]: [field["value"]] for field in each["headers"]}, "body": {"string": body}}

    return {
        "version": 1,
        "interactions": [
            {
                "request": {
                    "method": each["request"]["method"],
                    "uri": each["request"]["url"],
                    **message(each["request"], each["request"].get("postData", {}).get("text", "")),
                },
                "response": {
                    "status": {"code": each["response"]["status"], "message": ""},
                    **message(each["response"], each["response"]["content"]["text"]),
                },
            }
            for each in entries
        ],
    }


def _with_request_ids(entries: Entries) -> Entries:
    found = _without_request_ids(entries)
    for number, entry in enumerate(found):
        entry["response"]["headers"].append({"name": "x-request-id", "value": f"req_number_{number}"})
    return found


def _without_request_ids(entries: Entries) -> Entries:
    found = copy.deepcopy(entries)
    for entry in found:
        kept = [field for field in entry["response"]["headers"] if field["name"].lower() != "x-request-id"]
        entry["response"]["headers"] = kept
    return found


def test_three_copies_count_as_one(entries: Entries, tmp_path: Path) -> None:
    paths = [_write(tmp_path, f"{name}.har", entries) for name in "abc"]
    review = _review(*paths)
    assert _verdicts(review) == _verdicts(_review(paths[0]))
    assert review.skipped_count == len(review.skipped) == 2 * len(entries)
    assert {line.partition(": ")[2] for line in review.skipped} == {f"also recorded in {paths[0]}"}
    assert f"judged {len(entries)} of {3 * len(entries)} entries" in review.report.reason


def test_copies_that_were_loaded_count_as_one(entries: Entries, tmp_path: Path) -> None:
    paths = [_write(tmp_path, f"{name}.har", entries) for name in "ab"]
    together = judge_traffic("both", [load_traffic(path) for path in paths], RunOptions())
    alone = judge_traffic("one", [load_traffic(paths[0])], RunOptions())
    assert together.verdicts == alone.verdicts


def test_copy_in_another_format_counts_as_the_same(entries: Entries, tmp_path: Path) -> None:
    entries = _with_request_ids(entries)
    first = _write(tmp_path, "a.har", entries)
    second = tmp_path / "b.json"
    second.write_text(json.dumps(_as_cassette(entries)))
    assert _verdicts(_review(first, second)) == _verdicts(_review(first))


def test_history_of_several_copies_has_each_exchange_once(entries: Entries, tmp_path: Path) -> None:
    paths = [_write(tmp_path, f"{name}.har", entries) for name in "ab"]
    assert write_recorded_history(paths, tmp_path / "history.jsonl") == len(entries)
    assert _review(tmp_path / "history.jsonl", paths[1]).skipped_count == len(entries)


@pytest.mark.parametrize("longer_first", [True, False])
def test_start_of_a_longer_recording_is_part_of_it(longer_first: bool, entries: Entries, tmp_path: Path) -> None:
    whole, start = _write(tmp_path, "whole.har", entries), _write(tmp_path, "start.har", entries[:6])
    review = _review(*((whole, start) if longer_first else (start, whole)))
    assert _verdicts(review) == _verdicts(_review(whole))
    assert review.skipped_count == 6


def test_recordings_that_overlap_are_both_judged(entries: Entries, tmp_path: Path) -> None:
    # The second would lack the beginnings of its objects without what both hold.
    review = _review(_write(tmp_path, "a.har", entries[:6]), _write(tmp_path, "b.har", entries[3:]))
    assert review.skipped_count == 0
    assert review.report.usage.requests == len(entries) + 3


@pytest.mark.parametrize("whole_first", [True, False])
def test_violation_that_one_copy_lost_is_found(whole_first: bool, entries: Entries, tmp_path: Path) -> None:
    entries = _with_request_ids(entries)
    wrong = next(each for each in entries if '"status": "completed"' in _spaced(each))
    body = json.loads(wrong["response"]["content"]["text"])
    wrong["response"]["content"] = {"mimeType": "application/json", "text": json.dumps({**body, "object": "running"})}
    damaged = copy.deepcopy(entries)
    next(each for each in damaged if '"running"' in _spaced(each))["response"]["content"].pop("text")
    paths = [_write(tmp_path, "whole.har", entries), _write(tmp_path, "damaged.har", damaged)]
    review = _review(*(paths if whole_first else reversed(paths)))
    assert _verdicts(review)["run.object.const"][0] == Outcome.FAIL


def _spaced(entry: dict[str, Any]) -> str:
    try:
        return json.dumps(json.loads(entry["response"]["content"]["text"]))
    except ValueError:
        return ""


def test_sessions_with_the_same_request_ids_are_both_judged(tmp_path: Path) -> None:
    # A server may give all responses the same id, or count from one after a restart.
    tools, conversation = (json.loads(clean_entries(flow)) for flow in ("tools", "conversation"))
    paths = [
        _write(tmp_path, "a.har", _with_request_ids(tools)),
        _write(tmp_path, "b.har", _with_request_ids(conversation)),
    ]
    review = _review(*paths)
    assert review.skipped_count == 0
    assert review.report.usage.requests == len(tools) + len(conversation)


def test_polls_with_equal_responses_are_not_one_poll(entries: Entries, tmp_path: Path) -> None:
    poll = next(each for each in _without_request_ids(entries) if each["request"]["method"] == "GET")
    later = copy.deepcopy(poll)
    later["startedDateTime"] = "2031-01-01T00:00:00.500Z"
    review = _review(_write(tmp_path, "a.har", [poll]), _write(tmp_path, "b.har", [later]))
    assert review.skipped_count == 0
