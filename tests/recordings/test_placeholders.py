"""Names of variables in what API clients store are not ids and texts that were sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome
from runs_conformance.recordings.redaction_marker import is_redacted_id, may_hold_markers

_THREAD = {"id": "thread_6JYsn6QP", "object": "thread", "created_at": 1761861547, "tool_resources": {}, "metadata": {}}
_ASSISTANT = {
    "id": "asst_6JYsn6QP", "object": "assistant", "created_at": 1761861547, "name": None, "description": None,
    "model": "gpt-4o-mini", "instructions": None, "tools": [], "metadata": {},
}  # fmt: skip
_URL = "https://api.openai.com/v1/threads/"


def _postman(method: str, url: Any, shown: Any, sent: str = "") -> dict[str, Any]:
    header = [{"key": "Content-Type", "value": "application/json"}]
    request = {"method": method, "url": url, "header": header}
    request |= {"body": {"mode": "raw", "raw": sent}} if sent else {}
    response = {"originalRequest": request, "code": 200, "header": header, "body": json.dumps(shown)}
    return {"info": {"name": "Runs"}, "item": [{"name": "One", "response": [response]}]}


def _insomnia(method: str, url: str, shown: Any, sent: str) -> dict[str, Any]:
    header = [{"name": "Content-Type", "value": "application/json"}]
    request = {"_id": "req_1", "_type": "request", "method": method, "url": url, "headers": header}
    response = {"_id": "res_1", "_type": "response", "parentId": "req_1", "statusCode": 200, "headers": header}
    resources = [{**request, "body": {"text": sent}}, {**response, "body": json.dumps(shown)}]
    return {"_type": "export", "__export_format": 4, "resources": resources}


def _review(folder: Path, document: dict[str, Any]) -> RecordingReview:
    path = folder / "collection.json"
    path.write_text(json.dumps(document))
    return judge([path], RunOptions(), hosts=["*"])


def _failed(review: RecordingReview) -> set[str]:
    return {verdict.id for verdict in review.report.verdicts if verdict.outcome is Outcome.FAIL}


def _reasons(review: RecordingReview) -> list[str]:
    return [line.partition(": ")[2] for line in review.skipped]


_NAMES = [
    "{{threadId}}", "{{ _.thread_id }}", "{thread_id}", "%7BthreadId%7D", "<thread_id>", "%3Cthread_id%3E",
    "${threadId}", "$THREAD_ID", "THREAD_ID", "your_thread_id", ":thread_id", "threadId", "thread_abc123",
]  # fmt: skip


@pytest.mark.parametrize("name", _NAMES)
def test_name_of_a_variable_in_a_path_is_no_id(name: str, tmp_path: Path) -> None:
    review = _review(tmp_path, _postman("GET", {"raw": f"{_URL}{name}"}, _THREAD))
    assert _reasons(review) == ["ids were redacted"]
    assert _failed(review) == set()


def test_name_of_a_variable_after_an_unknown_base_url_is_no_id(tmp_path: Path) -> None:
    review = _review(tmp_path, _postman("GET", {"raw": "{{baseUrl}}/threads/{{threadId}}"}, _THREAD))
    assert _reasons(review) == ["ids were redacted"]


@pytest.mark.parametrize("value", ["thread_other123", "android", "thread_void", "t:1", "a$b"])
def test_other_ids_are_compared(value: str, tmp_path: Path) -> None:
    review = _review(tmp_path, _postman("GET", {"raw": f"{_URL}{value}"}, _THREAD))
    assert _reasons(review) == []
    assert not is_redacted_id(value)


@pytest.mark.parametrize(("value", "reasons"), [("thread_6JYsn6QP", []), ("", ["ids were redacted"])])
def test_path_variables_have_their_values(value: str, reasons: list[str], tmp_path: Path) -> None:
    url = {"raw": f"{_URL}:thread_id", "variable": [{"key": "thread_id", "value": value}]}
    assert _reasons(_review(tmp_path, _postman("GET", url, _THREAD))) == reasons


@pytest.mark.parametrize("id_", ["$ASSISTANT_ID", "${assistantId}", "asst_abc123", "<assistant id>"])
def test_body_with_such_an_id_is_looked_at_closely(id_: str) -> None:
    assert may_hold_markers(json.dumps({"assistant_id": id_}).encode())
    assert is_redacted_id(id_)


@pytest.mark.parametrize("client", [_postman, _insomnia])
@pytest.mark.parametrize("sent", ['{"model": "{{model}}"}', '{"model": {{model}}}', '{"model": "{{ _.model }}"}'])
def test_body_with_variables_was_not_saved(client: Any, sent: str, tmp_path: Path) -> None:
    review = _review(tmp_path, client("POST", "https://api.openai.com/v1/assistants", _ASSISTANT, sent))
    assert _reasons(review) == ["the recorder did not save the request body"]
    assert _failed(review) == set()


@pytest.mark.parametrize("client", [_postman, _insomnia])
def test_body_without_variables_is_compared(client: Any, tmp_path: Path) -> None:
    sent = json.dumps({"model": "gpt-4o", "metadata": {"a": {}}, "name": "}} {"})
    review = _review(tmp_path, client("POST", "https://api.openai.com/v1/assistants", _ASSISTANT, sent))
    assert _reasons(review) == []
