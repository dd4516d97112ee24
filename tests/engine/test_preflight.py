"""What a target says of objects that are to be worked with."""

from __future__ import annotations

import json

import pytest

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.engine.preflight import check_objects_exist
from runs_conformance.errors import UsageError
from tests import fakes


def looked_up(status: int, body: object, given: dict[str, str]) -> None:
    with fakes.fixed_response_server(status, "application/json", json.dumps(body).encode()) as url:
        session = Session(Transport(parse_address(url)), NullRecorder(), Credentials())
        try:
            check_objects_exist(session, url, given)
        finally:
            session.close()


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No assistant found with id 'asst_1'."}},
        {"error": {"message": "The requested resource asst_1 is gone"}},
        {"detail": "Assistant not found"},
        {"error": {"message": "?", "code": "assistant_not_found"}},
    ],
)
def test_an_object_that_is_not_there_is_a_mistake_of_the_user(body: object) -> None:
    with pytest.raises(UsageError, match=r"--use assistant=asst_1: .* has no such assistant"):
        looked_up(404, body, {"assistant": "asst_1"})


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Not Found"},
        {"error": {"message": "Unknown request URL: GET /v1/assistants/asst_1. Please check the URL for typos."}},
        {"path": "/v1/assistants/asst_1", "status": 404},
        {},
        "",
    ],
)
def test_a_route_that_is_not_there_says_nothing_of_the_object(body: object) -> None:
    looked_up(404, body, {"assistant": "asst_1"})


def test_other_answers_are_left_to_be_judged() -> None:
    for status in (200, 400, 401, 500):
        looked_up(status, {"error": {"message": "No assistant asst_1"}}, {"assistant": "asst_1"})


def test_a_run_is_looked_up_in_its_thread_alone() -> None:
    body = {"error": {"message": "No run found with id 'run_1'."}}
    looked_up(404, body, {"run": "run_1"})
    with pytest.raises(UsageError, match="--use run=run_1"):
        looked_up(404, body, {"run": "run_1", "thread": "thread_1"})
