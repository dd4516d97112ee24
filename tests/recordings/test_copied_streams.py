"""Event streams that were copied into files of their own, with what printing them often drops."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome
from tests.recordings.test_single_responses import RUN

_STREAM = "".join(
    f"event: {name}\ndata: {data}\n\n"
    for name, data in (
        ("thread.run.created", json.dumps({**RUN, "status": "queued"})),
        ("thread.run.completed", json.dumps(RUN)),
        ("done", "[DONE]"),
    )
)


def _without_blank_lines(text: str) -> str:
    return text.replace("\n\n", "\n")


def _without_names(text: str) -> str:
    return re.sub(r"(?m)^event: .*\n", "", text)


def _with_names_in_data(text: str) -> str:
    return re.sub(r"(?m)^event: (.*)\ndata: {", r'data: {"event": "\1", ', text)


def _data_alone(text: str) -> str:
    return _without_blank_lines(_without_names(text)).replace("data: ", "")


def _review(folder: Path, text: str) -> RecordingReview:
    path = folder / "stream.txt"
    path.write_text(text, newline="")
    return judge([path], RunOptions(), as_operation="create_run")


def _reason(review: RecordingReview) -> str:
    (line,) = review.skipped
    return line.partition(": ")[2]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_STREAM, "only the response was recorded"),
        (_STREAM.rstrip(), "only the response was recorded"),
        (_with_names_in_data(_STREAM), "only the response was recorded"),
        (_without_blank_lines(_STREAM), "the file lacks the blank lines between the events of the stream"),
        (_without_names(_STREAM), "the file lacks the `event:` lines of the stream"),
        (
            _without_names(_without_blank_lines(_STREAM)),
            "the file lacks the blank lines between the events and the `event:` lines of the stream",
        ),
        (_data_alone(_STREAM), "the file holds neither JSON nor an event stream"),
        (_STREAM[: _STREAM.index("event: thread.run.completed")], "the stream in the file has no end"),
        (_STREAM + "event: done\ndata: [DONE]\n\n", "only the response was recorded"),
        (_STREAM + _STREAM, "the file holds several streams"),
    ],
)
def test_reason_names_what_the_copy_lacks(text: str, reason: str, newline: str, tmp_path: Path) -> None:
    assert _reason(_review(tmp_path, text.replace("\n", newline))) == reason


def test_data_in_several_lines_is_one_event(tmp_path: Path) -> None:
    lines = "\n".join(f"data: {line}" for line in json.dumps(RUN, indent=1).splitlines())
    stream = f"event: thread.run.completed\n{lines}\n\nevent: done\ndata: [DONE]\n\n"
    assert _reason(_review(tmp_path, stream)) == "only the response was recorded"


def test_error_needs_no_name(tmp_path: Path) -> None:
    error = {"error": {"message": "No.", "type": "server_error", "param": None, "code": None}}
    assert _reason(_review(tmp_path, f"data: {json.dumps(error)}\n\n")) == "only the response was recorded"


def test_violations_in_whole_streams_are_found(tmp_path: Path) -> None:
    wrong = _STREAM.replace(json.dumps(RUN), json.dumps({**RUN, "usage": None}))
    failed = {each.id for each in _review(tmp_path, wrong).report.verdicts if each.outcome is Outcome.FAIL}
    assert {"usage.is_given_when_completed", "run.model.required"} <= failed


def test_stream_in_a_recording_is_that_of_the_server(tmp_path: Path) -> None:
    # A recorder keeps the bytes of a body, so missing blank lines are the server's own.
    entry = {
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/threads/thread_7/runs",
            "headers": [{"name": "content-type", "value": "application/json"}],
            "postData": {"text": json.dumps({"assistant_id": "asst_7", "stream": True})},
        },
        "response": {
            "status": 200,
            "headers": [{"name": "content-type", "value": "text/event-stream"}],
            "content": {"text": _without_blank_lines(_STREAM)},
        },
        "startedDateTime": "2025-10-30T21:59:07.250Z",
        "time": 5,
    }
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    review = judge([path], RunOptions())
    assert review.skipped == ()
    assert {each.id for each in review.report.verdicts if each.outcome is Outcome.FAIL}
