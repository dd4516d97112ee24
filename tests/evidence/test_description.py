"""A description says in one line what became of a request."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.engine.unsent import unsent_exchange
from runs_conformance.evidence.description import describe_outcome
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion
from tests.rules.histories import ASSISTANT, HistoryBuilder, run

BODY = {"assistant_id": ASSISTANT, "stream": True}


def test_incomplete_response_says_what_became_of_it() -> None:
    exchange = HistoryBuilder().stream("create_run", body=BODY)
    unclosed = replace(exchange, completion=Completion.UNKNOWN, problem="no end of the stream for 10.0 s.")
    assert describe_outcome(unclosed) == (
        "POST /threads/{thread_id}/runs got HTTP 200 (no end of the stream for 10.0 s)"
    )


def test_complete_response_is_its_status() -> None:
    exchange = HistoryBuilder().stream("create_run", body=BODY)
    assert describe_outcome(exchange) == "POST /threads/{thread_id}/runs got HTTP 200"


def test_withheld_request_was_not_sent() -> None:
    exchange = unsent_exchange(Step(operation="get_run"), "p", "the target has no get_run")
    expected = "GET /threads/{thread_id}/runs/{run_id} was not sent (the target has no get_run)"
    assert describe_outcome(exchange) == expected


def test_long_status_is_cut() -> None:
    exchange = HistoryBuilder().get_run(run("s" * 100_000))
    assert len(describe_outcome(exchange)) < 300
