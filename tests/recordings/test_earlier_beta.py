"""The earlier beta is not judged as v2, whatever a recorder saved of its requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome

_JUNE_2024, _JUNE_2025 = 1717400000, 1748950000
_RUNS = "https://api.openai.com/v1/threads/thread_1/runs"
_AZURE_RUNS = "https://name.openai.azure.com/openai/threads/thread_1/runs"


def _run(created: int = _JUNE_2024, **members: Any) -> dict[str, Any]:
    run = {"id": "run_1", "object": "thread.run", "created_at": created, "thread_id": "thread_1", "status": "queued"}
    return {**run, "assistant_id": "asst_1", "file_ids": [], **members}


def _review(folder: Path, *exchanges: tuple[str, Any], beta: str = "") -> RecordingReview:
    """Judge a cassette of GET requests: URL and response of each."""
    interactions = []
    for url, shown in exchanges:
        headers = {"OpenAI-Beta": [beta]} if beta else {}
        response = {"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(shown)}}
        interactions.append({"request": {"method": "GET", "uri": url, "headers": headers}, "response": response})
    path = folder / "cassette.yml"
    path.write_text(json.dumps({"interactions": interactions, "version": 1}))
    return judge([path], RunOptions())


def _failed(review: RecordingReview) -> set[str]:
    return {verdict.id for verdict in review.report.verdicts if verdict.outcome is Outcome.FAIL}


@pytest.mark.parametrize("version", ["2024-02-15-preview", "2024-03-01-preview", "2024-04-01-preview"])
def test_version_of_azure_with_the_earlier_beta_is_skipped(version: str, tmp_path: Path) -> None:
    review = _review(tmp_path, (f"{_AZURE_RUNS}/run_1?api-version={version}", _run()))
    assert [line.partition(": ")[2] for line in review.skipped] == [f"api-version={version}, the earlier beta"]


@pytest.mark.parametrize("version", ["2024-05-01-preview", "2025-05-01"])
def test_later_version_is_judged(version: str, tmp_path: Path) -> None:
    shown = _run(truncation_strategy={"type": "auto", "last_messages": None})
    assert "run.model.required" in _failed(_review(tmp_path, (f"{_AZURE_RUNS}/run_1?api-version={version}", shown)))


@pytest.mark.parametrize(
    "shown",
    [
        _run(),
        {"object": "list", "data": [_run()], "first_id": "run_1", "last_id": "run_1", "has_more": False},
        {"id": "asst_1", "object": "assistant", "created_at": _JUNE_2024, "file_ids": []},
    ],
)
def test_responses_show_the_earlier_beta_if_headers_were_not_saved(shown: dict[str, Any], tmp_path: Path) -> None:
    thread = {"id": "thread_1", "object": "thread", "created_at": _JUNE_2024}
    path = "assistants/asst_1" if shown["object"] == "assistant" else "threads/thread_1/runs"
    path = f"{path}/run_1" if shown["object"] == "thread.run" else path
    base = "https://api.openai.com/v1"
    review = _review(tmp_path, (f"{base}/{path}", shown), (f"{base}/threads/thread_1", thread))
    assert _failed(review) == set()
    assert len(review.skipped) == 2
    assert all("the earlier beta: api.openai.com/v1 shows file_ids" in line for line in review.skipped)


@pytest.mark.parametrize(
    ("shown", "beta"),
    [
        (_run(), "assistants=v2"),
        (_run(_JUNE_2025), ""),  # later than the end of the earlier beta
        (_run(truncation_strategy={"type": "auto", "last_messages": None}), ""),  # a member of v2
    ],
)
def test_server_of_v2_that_shows_file_ids_is_judged(shown: dict[str, Any], beta: str, tmp_path: Path) -> None:
    review = _review(tmp_path, (f"{_RUNS}/run_1", shown), beta=beta)
    assert "run.model.required" in _failed(review)
