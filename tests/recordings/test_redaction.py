"""Redacted texts count as lost only if rules may conclude something from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Outcome
from tests.rules.histories import ASSISTANT, RUN, THREAD, Object, call, page, run, step

RUNS = f"/threads/{THREAD}/runs"
STEPS = f"{RUNS}/{RUN}/steps"


def _review(folder: Path, *exchanges: tuple[str, str, Any, Any]) -> RecordingReview:
    """Judge a HAR of these exchanges: method, path, body of the request and of the response."""
    entries = []
    for index, (method, path, sent, shown) in enumerate(exchanges):
        request: Object = {
            "method": method,
            "url": f"https://name.services.ai.azure.com/api/projects/p{path}?api-version=2025-05-15-preview",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
        }
        if sent is not None:
            request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
        content = {"mimeType": "application/json", "text": json.dumps(shown)}
        headers = [{"name": "Content-Type", "value": "application/json"}]
        response = {"status": 200, "headers": headers, "content": content}
        began = f"2025-10-30T12:06:{45 + index:02}.000Z"
        entries.append({"startedDateTime": began, "time": 100, "request": request, "response": response})
    recording = folder / "session.har"
    recording.write_text(json.dumps({"log": {"entries": entries}}))
    return judge([recording], RunOptions())


def _mcp(secret: str) -> Object:
    return {"mcp": [{"server_label": "docs", "headers": {"Secret": secret}, "require_approval": "always"}]}


def _failed(review: RecordingReview) -> set[str]:
    return {verdict.id for verdict in review.report.verdicts if verdict.outcome is Outcome.FAIL}


def _lost(review: RecordingReview) -> list[str]:
    return [line for line in review.skipped if "redacted" in line]


def test_a_run_with_redacted_headers_of_its_tools_is_judged(tmp_path: Path) -> None:
    created = run("queued", tool_resources=_mcp("REDACTED"))
    ended = run("completed", tool_resources=_mcp("REDACTED"))
    body = {"assistant_id": ASSISTANT, "tool_resources": _mcp("123456")}
    review = _review(tmp_path, ("POST", RUNS, body, created), ("GET", f"{RUNS}/{RUN}", None, ended))
    assert _lost(review) == []
    assert _failed(review) == set()
    passed = {verdict.id for verdict in review.report.verdicts if verdict.outcome is Outcome.PASS}
    assert passed >= {"lifecycle.status_is_known", "ending.completed_run_has_no_error", "lifecycle.begins_queued"}


def test_violations_beside_redacted_headers_are_found(tmp_path: Path) -> None:
    created = run("queued", tool_resources=_mcp("REDACTED"), last_error={"code": "server_error", "message": "x"})
    review = _review(tmp_path, ("POST", RUNS, {"assistant_id": ASSISTANT}, created))
    assert "ending.unfinished_run_has_no_error" in _failed(review)


def test_redacted_headers_of_a_request_are_not_missed(tmp_path: Path) -> None:
    body = {"assistant_id": ASSISTANT, "tool_resources": _mcp("REDACTED")}
    review = _review(tmp_path, ("POST", RUNS, body, run("queued", tool_resources=_mcp("REDACTED"))))
    assert _lost(review) == []


@pytest.mark.parametrize(
    "made",
    [
        {
            "id": "call_a",
            "type": "sharepoint_grounding",
            "sharepoint_grounding": {"input": "x", "output": "[redacted]"},
        },
        {"id": "call_a", "type": "mcp", "name": "look_up", "arguments": "{}", "output": "[redacted]"},
    ],
)
def test_a_step_with_the_redacted_output_of_another_server_is_judged(made: Object, tmp_path: Path) -> None:
    review = _review(tmp_path, ("GET", STEPS, None, page(step(calls=[made], run_id=ABSENT))))
    assert _lost(review) == []
    assert "run_step.run_id.required" in _failed(review)


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("GET", STEPS, page(step(calls=[call(output="[redacted]")]))),
        ("GET", f"{RUNS}/{RUN}", run("completed", instructions="[redacted]", tool_resources=_mcp("REDACTED"))),
    ],
)
def test_other_redacted_texts_are_lost(method: str, path: str, shown: Object, tmp_path: Path) -> None:
    assert _lost(_review(tmp_path, (method, path, None, shown)))


def test_redacted_values_that_differ_from_the_request_are_no_findings(tmp_path: Path) -> None:
    def tools(secret: str) -> list[Object]:
        return [{"type": "mcp", "server_label": "docs", "server_url": "https://x.org", "headers": {"Secret": secret}}]

    def review(shown: list[Object]) -> RecordingReview:
        sent = {"assistant_id": ASSISTANT, "tools": tools("123456")}
        return _review(tmp_path, ("POST", RUNS, sent, run("queued", tools=shown)))

    assert _lost(review(tools("REDACTED"))) == []
    assert _failed(review(tools("REDACTED"))) == set()
    assert _failed(review([]))
