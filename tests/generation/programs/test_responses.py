"""A response shows the run that it is about, unless it is a refusal or breaks off."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.generation.programs.responses import has_id, response_object
from runs_conformance.model.exchange import Completion, Exchange
from tests.rules.histories import ASSISTANT, HistoryBuilder

RUN = {"id": "run_a", "object": "thread.run"}


def unclosed(*statuses: str, http_status: int = 200) -> Exchange:
    """A stream of a run that shows these statuses, and does not end."""
    events = [(f"thread.run.{status}", {**RUN, "status": status}) for status in statuses]
    body = {"assistant_id": ASSISTANT, "stream": True}
    exchange = HistoryBuilder().send("create_run", status=http_status, events=events, body=body)
    return replace(exchange, completion=Completion.UNKNOWN, problem="no end of the stream")


def test_stream_that_is_not_closed_after_the_end_shows_its_run() -> None:
    assert has_id(unclosed("queued", "failed"))
    assert response_object(unclosed("queued", "requires_action"))["status"] == "requires_action"


def test_stream_that_breaks_off_shows_no_run() -> None:
    assert not has_id(unclosed("queued", "in_progress"))
    assert not has_id(unclosed())


def test_refusal_shows_no_run() -> None:
    assert not has_id(unclosed("failed", http_status=400))
