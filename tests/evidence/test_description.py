from __future__ import annotations

from dataclasses import replace

from runs_conformance.evidence.description import describe_outcome
from runs_conformance.model.exchange import Completion
from tests.rules.histories import ASSISTANT, HistoryBuilder

BODY = {"assistant_id": ASSISTANT, "stream": True}


def test_incomplete_response_says_what_became_of_it() -> None:
    exchange = HistoryBuilder().stream("create_run", body=BODY)
    unclosed = replace(exchange, completion=Completion.UNKNOWN, problem="no end of the stream for 10.0 s.")
    assert describe_outcome(unclosed) == (
        "POST /threads/{thread_id}/runs was answered with HTTP 200 (no end of the stream for 10.0 s)"
    )


def test_complete_response_is_its_status() -> None:
    exchange = HistoryBuilder().stream("create_run", body=BODY)
    assert describe_outcome(exchange) == "POST /threads/{thread_id}/runs was answered with HTTP 200"
