"""A list is not expected to show what an unrecorded request may have created later."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.judge_recording import judge
from runs_conformance.app.options import RunOptions
from runs_conformance.model.verdict import Outcome

_CREATED = 1761861547


_RUN = {"id": "run_1", "object": "thread.run", "created_at": _CREATED, "thread_id": "thread_1", "status": "queued"}


def _page(*items: dict[str, Any]) -> dict[str, Any]:
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return {"object": "list", "data": list(items), "has_more": False, **ends}


def _failed(folder: Path, *reads: tuple[int, str, Any]) -> set[str]:
    """The failures about pages of these reads: when each was answered, its query and its response."""
    interactions = []
    for when, query, shown in reads:
        uri = f"https://api.openai.com/v1/threads/thread_1/runs{query}"
        date = format_datetime(datetime.fromtimestamp(when, UTC), usegmt=True)
        headers = {"Date": [date], "Content-Type": ["application/json"]}
        response = {"status": {"code": 200}, "headers": headers, "body": {"string": json.dumps(shown)}}
        request = {"method": "GET", "uri": uri, "headers": {"OpenAI-Beta": ["assistants=v2"]}}
        interactions.append({"request": request, "response": response})
    path = folder / "cassette.yml"
    path.write_text(json.dumps({"interactions": interactions, "version": 1}))
    review = judge([path], RunOptions())
    return {
        verdict.id
        for verdict in review.report.verdicts
        if verdict.outcome is Outcome.FAIL and verdict.id.startswith("paging.")
    }


@pytest.mark.parametrize(
    ("before", "is_wrong"),
    [
        (-1, False),  # The run was created after the first read.
        (0, False),  # It may have been created after it.
        (10, True),
    ],
)
def test_list_lacks_only_what_was_created_before(before: int, is_wrong: bool, tmp_path: Path) -> None:
    reads = [(_CREATED + before, "", _page()), (_CREATED + 20, "?limit=100", _page(_RUN))]
    failed = _failed(tmp_path, *reads)
    assert ("paging.twenty_is_the_default" in failed) is is_wrong
    assert failed == set() or is_wrong
