"""Servers of other APIs are distinguished from those of this one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome

Entry = dict[str, Any]


def _review(entries: Sequence[Entry], folder: Path, hosts: Sequence[str] = ()) -> RecordingReview:
    path = folder / "session.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return judge([path], RunOptions(), hosts=hosts)


def _failures(review: RecordingReview) -> set[str]:
    return {verdict.id for verdict in review.report.verdicts if verdict.outcome is Outcome.FAIL}


def _application_entry(path: str, content: str) -> Entry:
    request = {"method": "POST", "url": f"http://localhost:3000/api/assistants{path}", "headers": []}
    response = {"status": 200, "headers": [], "content": {"text": content}}
    return {"request": request, "response": response, "startedDateTime": "2025-10-30T21:59:07.250Z", "time": 5}


@pytest.mark.parametrize(
    "answers",
    [
        ['{"threadId":"thread_abc1"}', '{"event":"thread.created","data":{"id":"thread_abc1","object":"thread"}}\n'],
        ['{"threadId":"thread_abc1"}', "oops"],
        ["oops", '{"data":{"id":"msg_1","object":"thread.message"},"event":"thread.message.created"}\n'],
    ],
)
def test_application_that_uses_our_ids_in_its_own_paths_is_another_api(answers: list[str], tmp_path: Path) -> None:
    paths = ("/threads", "/threads/thread_abc1/messages")
    entries = [_application_entry(path, content) for path, content in zip(paths, answers, strict=True)]
    review = _review(entries, tmp_path)
    assert len(review.skipped) == 2
    assert all("another API: localhost:3000/api/assistants" in line for line in review.skipped)
    assert _failures(_review(entries, tmp_path, hosts=["localhost*"]))


def test_server_with_a_response_of_this_api_is_judged_with_all_its_others(tmp_path: Path) -> None:
    answers = ['{"id":"thread_abc1","object":"thread"}', '{"threadId":"thread_abc1"}']
    paths = ("/threads", "/threads/thread_abc1")
    entries = [_application_entry(path, content) for path, content in zip(paths, answers, strict=True)]
    review = _review(entries, tmp_path)
    assert not any("another API" in line for line in review.skipped)
    assert "thread.id.required" in _failures(review)
