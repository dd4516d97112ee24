"""The first valid request that a program had refused."""

from __future__ import annotations

import pytest

from runs_conformance.engine.refused_request import first_refused_request
from runs_conformance.model.case import REFUSES_BODY, DanglingReference, Key, Role, Step
from tests.rules.histories import HistoryBuilder, error

LIST = Step(operation="list_runs", role=Role.READ)


def refused(step: Step, status: int = 400, text: str = "Too large.") -> str:
    builder = HistoryBuilder()
    query = {"limit": 100} if step.operation == "list_runs" else {}
    builder.send(step.operation, error(text), status, step=step, query=query)
    builder.send("list_runs", error("Later."), 400, step=LIST)
    return first_refused_request(builder.history())


def test_a_refused_list_is_named_with_its_query() -> None:
    assert refused(LIST) == "GET /threads/{thread_id}/runs?limit=100 got HTTP 400 Too large"


def test_a_refused_creation_is_named() -> None:
    assert refused(Step(operation="create_run", body={})) == "POST /threads/{thread_id}/runs got HTTP 400 Too large"


@pytest.mark.parametrize(
    ("step", "status", "text"),
    [
        (LIST, 404, "No such thread."),
        (Step(operation="cancel_run"), 400, "The run has ended."),
        (Step(operation="create_run", body={}), 400, "Thread thread_a already has an active run run_a."),
        (Step(operation="create_run", body={}, role=Role.NEGATIVE, expectation=REFUSES_BODY), 400, "No."),
        (Step(operation="create_run", body={}, role=Role.VALID), 400, "No."),
        (Step(operation="create_run", body={}, key=Key.SECOND), 400, "No."),
        (Step(operation="create_run", body={}, dangling=DanglingReference.UNKNOWN), 400, "No."),
    ],
)
def test_a_request_that_may_be_refused_is_not_named(step: Step, status: int, text: str) -> None:
    assert refused(step, status, text).endswith("Later")


def test_accepted_requests_are_not_named() -> None:
    assert first_refused_request(HistoryBuilder().history()) == ""
