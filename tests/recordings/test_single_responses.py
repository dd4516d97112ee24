"""Files that hold one response: what is in them is judged, what is made up to read them is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome

CREATED = 1761861547
RUN: dict[str, Any] = {
    "id": "run_1",
    "object": "thread.run",
    "created_at": CREATED,
    "thread_id": "thread_7",
    "assistant_id": "asst_7",
    "status": "completed",
    "started_at": CREATED + 1,
    "expires_at": None,
    "cancelled_at": None,
    "failed_at": None,
    "completed_at": CREATED + 3,
    "required_action": None,
    "last_error": None,
    "incomplete_details": None,
    "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
    "metadata": {},
}


def _message(number: int) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "object": "thread.message",
        "created_at": CREATED + number,
        "thread_id": "thread_7",
        "role": "user",
        "assistant_id": None,
        "run_id": None,
        "content": [{"type": "text", "text": {"value": "Hello", "annotations": []}}],
        "attachments": [],
        "metadata": {},
    }


def _page(items: list[dict[str, Any]], has_more: bool = False) -> dict[str, Any]:
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return {"object": "list", "data": items, "has_more": has_more, **ends}


def _error(kind: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": "No.", "type": kind, "param": None, "code": code}}


def _review(folder: Path, operation: str, body: Any) -> RecordingReview:
    path = folder / "response.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return judge([path], RunOptions(), as_operation=operation)


def _ids(review: RecordingReview, *outcomes: Outcome) -> set[str]:
    return {verdict.id for verdict in review.report.verdicts if verdict.outcome in outcomes}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("list_messages", _page([_message(2), _message(1)])),  # of a thread that the request named
        ("list_messages", _page([_message(1), _message(2)])),  # by ?order=asc
        ("list_messages", _page([_message(number) for number in range(25, 0, -1)])),  # by ?limit=100
        ("list_messages", _page([_message(3)], has_more=True)),  # by ?limit=1
        ("create_thread", {"id": "thread_1", "object": "thread", "created_at": CREATED, "metadata": {"env": "test"},
                           "tool_resources": {}}),
        ("create_run", _error("insufficient_quota", "insufficient_quota")),  # with HTTP status 429
        ("create_run", _error("server_error")),  # with HTTP status 500
        ("get_run", RUN),
    ],
)  # fmt: skip
def test_what_the_request_may_explain_is_not_judged(operation: str, body: Any, tmp_path: Path) -> None:
    review = _review(tmp_path, operation, body)
    rules = {id_ for id_ in _ids(review, Outcome.FAIL) if id_.partition(".")[0] not in ("run", "message")}
    assert rules == set()
    assert [line.partition(": ")[2] for line in review.skipped] == ["only the response was recorded"]


@pytest.mark.parametrize("body", [RUN, _page([_message(1)]), _error("invalid_request_error")])
def test_what_was_made_up_passes_nothing(body: Any, tmp_path: Path) -> None:
    operation = "list_messages" if "data" in body else "get_run"
    passed = _ids(_review(tmp_path, operation, body), Outcome.PASS)
    about_requests = ("identity.", "listing.", "transport.", "refusals.", "errors.", "acceptance.")
    assert {id_ for id_ in passed if id_.startswith(about_requests)} == set()


@pytest.mark.parametrize(
    ("operation", "change", "id_"),
    [
        ("get_run", {"completed_at": None}, "times.completed_run_has_completed_at"),
        ("create_run", {"completed_at": None}, "times.completed_run_has_completed_at"),
        ("cancel_run", {"usage": None}, "usage.is_given_when_completed"),
        ("get_run", {"status": "finished"}, "lifecycle.status_is_known"),
        ("create_run", {"created_at": "today"}, "times.are_unix_seconds"),
        ("create_run", {"object": "run"}, "run.object.const"),
    ],
)
def test_what_is_in_the_response_is_judged(operation: str, change: dict[str, Any], id_: str, tmp_path: Path) -> None:
    assert id_ in _ids(_review(tmp_path, operation, {**RUN, **change}), Outcome.FAIL)


def test_error_without_a_message_is_found(tmp_path: Path) -> None:
    body = {"error": {"type": "invalid_request_error", "param": None, "code": None}}
    assert "error.error.message.required" in _ids(_review(tmp_path, "create_run", body), Outcome.FAIL)


def test_page_with_wrong_ends_is_found(tmp_path: Path) -> None:
    body = {**_page([_message(2), _message(1)]), "last_id": "msg_2"}
    assert "paging.first_and_last_id_are_those_of_the_page" in _ids(
        _review(tmp_path, "list_messages", body), Outcome.FAIL
    )


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed", "completed_at": None, "failed_at": CREATED + 3,
         "last_error": {"code": "tool_user_error", "message": "No."}},
        {"status": "incomplete", "completed_at": None, "incomplete_details": {"reason": "content_filter"}},
        {"tools": [{"type": "bing_grounding"}]},
    ],
)  # fmt: skip
def test_what_azure_is_known_to_do_is_excused_since_the_server_is_unknown(
    change: dict[str, Any], tmp_path: Path
) -> None:
    expected = _ids(_review(tmp_path, "get_run", RUN), Outcome.FAIL)
    assert _ids(_review(tmp_path, "get_run", {**RUN, **change}), Outcome.FAIL) <= expected
    invented = json.loads(json.dumps({**RUN, **change}).replace("tool_user_error", "x").replace("content_filter", "x"))
    invented["tools"] = [{"type": "x"}]
    assert _ids(_review(tmp_path, "get_run", invented), Outcome.FAIL) - expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("get_run", json.dumps(RUN)),
        ("create_run", f"event: thread.run.completed\ndata: {json.dumps(RUN)}\n\nevent: done\ndata: [DONE]\n\n"),
    ],
)
def test_other_encodings_of_text_are_read(operation: str, text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "response"
    path.write_bytes(text.encode(encoding))
    review = judge([path], RunOptions(), as_operation=operation)
    assert [line.partition(": ")[2] for line in review.skipped] == ["only the response was recorded"]
    assert _ids(review, Outcome.PASS) >= {"lifecycle.status_is_known"}


def test_null_of_a_member_that_may_be_absent_may_be_that_of_a_client_library(tmp_path: Path) -> None:
    review = _review(tmp_path, "get_message", {**_message(1), "status": None})
    assert "message.status.type" not in _ids(review, Outcome.FAIL, Outcome.PASS)
    assert "message.status.type" in _ids(_review(tmp_path, "get_message", {**_message(1), "status": 5}), Outcome.FAIL)


@pytest.mark.parametrize("member", ["thread_id", "created_at", "content"])
def test_null_of_a_required_member_is_found(member: str, tmp_path: Path) -> None:
    review = _review(tmp_path, "get_message", {**_message(1), member: None})
    assert f"message.{member}.type" in _ids(review, Outcome.FAIL)


def test_null_of_a_member_that_may_be_absent_in_a_recording_is_that_of_the_server(tmp_path: Path) -> None:
    url = "https://api.openai.com/v1/threads/thread_7/messages/msg_1"
    content = {"text": json.dumps({**_message(1), "status": None})}
    entry = {
        "request": {"method": "GET", "url": url, "headers": []},
        "response": {"status": 200, "headers": [], "content": content},
        "startedDateTime": "2025-10-30T21:59:07.250Z",
        "time": 5,
    }
    path = tmp_path / "session.har"
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    assert "message.status.type" in _ids(judge([path], RunOptions()), Outcome.FAIL)
