"""Losses of a recorder are not attributed to the server, and its own violations are still found."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome
from runs_conformance.rules.constraints import cross_check
from tests.recordings import damages
from tests.recordings.damages import DAMAGES, DURING_RECORDING, Damage, Entry
from tests.recordings.traffic import FLOWS, clean_entries

_FLOWS = tuple(flow.__name__ for flow in FLOWS)


def _review(entries: Sequence[Entry], folder: Path, partial: bool = False, **options: object) -> RecordingReview:
    path = folder / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return judge([path], RunOptions(partial=partial), **options)  # type: ignore[arg-type]


def _failures(review: RecordingReview) -> list[str]:
    """The ids of MUST requirements that failed or could not be judged because of an internal error."""
    wrong = (Outcome.FAIL, Outcome.ERROR)
    return [verdict.id for verdict in review.report.verdicts if verdict.outcome in wrong and verdict.level == "must"]


def _damaged(flow: str, applied: Sequence[Damage], seed: int = 0) -> list[Entry]:
    entries: list[Entry] = json.loads(clean_entries(flow))
    names = "+".join(damage.__name__ for damage in applied)
    random_ = random.Random(f"{flow} {names} {seed}")
    for damage in sorted(applied, key=lambda damage: damage not in DURING_RECORDING):
        entries = damage(entries, random_)
    return entries


@pytest.mark.parametrize("flow", _FLOWS)
def test_clean_traffic_passes(flow: str, tmp_path: Path) -> None:
    review = _review(json.loads(clean_entries(flow)), tmp_path)
    assert _failures(review) == []
    assert list(review.skipped) == []
    assert sum(verdict.outcome is Outcome.PASS for verdict in review.report.verdicts) > 250


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_one_damage_causes_no_finding(damage: Damage, partial: bool, tmp_path: Path) -> None:
    flow = _FLOWS[(DAMAGES.index(damage) + partial) % len(_FLOWS)]
    review = _review(_damaged(flow, [damage]), tmp_path, partial)
    assert _failures(review) == []
    assert review.report.exit_code in (0, 5)


def _second_damages(first: Damage, flow: str) -> Sequence[Damage]:
    """The damages to combine with the first: a few, other ones for each flow, unless all are asked for."""
    if os.environ.get("RUNS_CONFORMANCE_ALL_DAMAGES"):
        return DAMAGES
    start = DAMAGES.index(first) + _FLOWS.index(flow) * 2 + 1
    return [DAMAGES[(start + step) % len(DAMAGES)] for step in range(0, len(DAMAGES), 11)]


@pytest.mark.slow
@pytest.mark.parametrize("flow", _FLOWS)
@pytest.mark.parametrize("first", DAMAGES, ids=lambda damage: damage.__name__)
def test_two_damages_cause_no_finding(first: Damage, flow: str, tmp_path: Path) -> None:
    reported: dict[str, list[str]] = {}
    for second in _second_damages(first, flow):
        for applied in [[first, second]] if first is not second else [[first]]:
            try:
                entries = _damaged(flow, applied)
            except (AttributeError, KeyError, TypeError):
                continue  # The second damage does not apply to what the first one left.
            for partial in (False, True):
                if failed := _failures(_review(entries, tmp_path, partial)):
                    reported[f"{'+'.join(each.__name__ for each in applied)} partial={partial}"] = failed
    assert reported == {}


def test_every_damage_is_combined_with_many_others() -> None:
    tried = {(first, second) for first in DAMAGES for flow in _FLOWS for second in _second_damages(first, flow)}
    assert {first for first, _ in tried} == {second for _, second in tried} == set(DAMAGES)
    assert len(tried) > 12 * len(DAMAGES)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damages.answer_not_saved, "did not save the response"),
        (damages.answer_cut, "truncated the response"),
        (damages.stream_aborted, "the client disconnected before the end of the response (net::ERR_ABORTED)"),
        (damages.request_not_saved, "did not save the request body"),
        (damages.request_redacted, "the request body was redacted"),
        (damages.ids_redacted, "ids were redacted"),
        (damages.answer_texts_redacted, "the response was redacted"),
        (damages.other_apis, "another API"),
    ],
)
def test_what_was_lost_is_said(damage: Damage, reason: str, tmp_path: Path) -> None:
    skipped = list(_review(_damaged("streams", [damage]), tmp_path).skipped)
    assert any(reason in line for line in skipped), skipped


def test_inconclusive_verdicts_name_the_damaged_entry(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("conversation"))
    place = next(n for n, each in enumerate(entries, 1) if each["request"]["url"].endswith("/messages"))
    entries[place - 1]["request"].pop("postData")
    verdicts = {verdict.id: verdict for verdict in _review(entries, tmp_path).report.verdicts}
    verdict = verdicts["threads.hold_only_what_was_sent"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"session.har:{place}" in (verdict.reason or "")


def _edit_answer(entry: Entry, old: str, new: str) -> None:
    content = entry["response"]["content"]
    assert old in content["text"]
    content["text"] = content["text"].replace(old, new)


def test_violations_beside_damage_are_found(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("conversation"))
    lists = [
        each for each in entries if each["request"]["url"].endswith("/messages") and "postData" not in each["request"]
    ]
    _edit_answer(lists[0], '"object":"thread.message"', '"object":"message"')
    damages.answer_not_saved(entries[-3:], random.Random(1))
    assert "message.object.const" in _failures(_review(entries, tmp_path))


def test_violations_before_a_loss_are_found_as_in_a_complete_recording(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("conversation"))
    listed = next(n for n, each in enumerate(entries) if each["request"]["url"].endswith("/messages") and n > 4)
    thread = entries[1]["response"]["content"]["text"]
    assert '"thread"' in thread
    entries[1]["request"]["postData"]["text"] = json.dumps({"messages": []})
    expected = _failures(_review(entries, tmp_path))
    assert "threads.hold_only_what_was_sent" in expected
    entries[-1]["response"]["content"].pop("text")
    assert listed < len(entries) - 1
    assert "threads.hold_only_what_was_sent" in _failures(_review(entries, tmp_path))


@pytest.mark.parametrize("flow", _FLOWS)
def test_loss_at_the_end_adds_no_occasions(flow: str, tmp_path: Path) -> None:
    entries = json.loads(clean_entries(flow))
    clean = {verdict.id: verdict.judged for verdict in _review(entries, tmp_path).report.verdicts}
    assert clean["metadata.holds_nothing_else"] > 0
    entries[-1]["response"]["content"].pop("text")
    damaged = {verdict.id: verdict.judged for verdict in _review(entries, tmp_path).report.verdicts}
    assert {id_: count for id_, count in damaged.items() if count > clean[id_]} == {}


def test_findings_on_damaged_exchanges_are_confirmed_by_the_second_validator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = json.loads(clean_entries("conversation"))
    creation = next(each for each in entries if each["request"]["url"].endswith("/messages"))
    _edit_answer(creation, '"object":"thread.message"', '"object":"message"')
    creation["request"].pop("postData")
    verdicts = {verdict.id: verdict for verdict in _review(entries, tmp_path).report.verdicts}
    assert verdicts["message.object.const"].outcome is Outcome.FAIL
    monkeypatch.setattr(cross_check.SecondOpinion, "_is_response_confirmed", lambda *args: False)
    verdicts = {verdict.id: verdict for verdict in _review(entries, tmp_path).report.verdicts}
    assert verdicts["message.object.const"].outcome is Outcome.ERROR


@pytest.mark.parametrize("flow", ["conversation", "tools"])
def test_clock_set_back_leaves_the_order_of_a_file_with_coarse_and_exact_times(flow: str, tmp_path: Path) -> None:
    coarse = damages.whole_seconds(json.loads(clean_entries(flow)), random.Random(0))
    for seed in range(3):
        entries = damages.clock_set_back(json.loads(json.dumps(coarse)), random.Random(seed))
        assert _failures(_review(entries, tmp_path)) == []


@pytest.mark.parametrize("flow", ["conversation", "streams"])
def test_misread_text_that_was_written_anew_causes_no_finding(flow: str, tmp_path: Path) -> None:
    review = _review(_damaged(flow, [damages.utf8_read_as_latin1, damages.bodies_formatted]), tmp_path)
    assert _failures(review) == []
    assert any("may have misread the characters" in line for line in review.skipped)


def test_text_of_the_size_that_the_server_sent_was_not_misread(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("conversation").replace("Hello", "Gr\\u00fc\\u00dfe"))
    for entry in entries:
        content = entry["response"]["content"]
        if "\u00fc" in content.get("text", ""):
            wrong = content["text"].replace("\u00fc", "\\u00c3\\u00bc").replace("\u00df", "\\u00c3\\u009f")
            content |= {"text": wrong, "size": len(wrong)}
            damages._without_header(entry["response"], "content-length")
    review = _review(entries, tmp_path)
    assert "threads.begin_with_the_messages_given" in _failures(review)
    assert list(review.skipped) == []


def test_hosts_can_be_selected(tmp_path: Path) -> None:
    entries = damages.other_apis(json.loads(clean_entries("tools")), random.Random(1))
    review = _review(entries, tmp_path, hosts=["localhost*"])
    assert any("another host: api.openai.com" in line for line in review.skipped)
    assert _failures(review) != []


def test_server_that_answers_with_errors_only_is_recognized_by_its_paths(tmp_path: Path) -> None:
    entries = json.loads(clean_entries("tools").replace("https://api.openai.com", "http://127.0.0.1:8000"))
    polled = [entry for entry in entries if "/runs/run_" in entry["request"]["url"]]
    for entry in polled:
        entry["response"] |= {"status": 500, "content": {"size": 4, "text": "oops"}, "headers": []}
    assert list(_review(polled, tmp_path).skipped) == []
