"""Looking up the objects given by --use."""

from __future__ import annotations

import json

import pytest

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.engine.preflight import check_objects_exist
from runs_conformance.errors import ObjectNotFound
from tests import fakes


def look_up(status: int, body: object, objects: dict[str, str]) -> None:
    with fakes.fixed_response_server(status, "application/json", json.dumps(body).encode()) as url:
        session = Session(Transport(parse_address(url)), NullRecorder(), Credentials())
        try:
            check_objects_exist(session, url, objects)
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
def test_missing_object_is_a_usage_error(body: object) -> None:
    with pytest.raises(ObjectNotFound, match=r"--use assistant=asst_1: .* has no such assistant"):
        look_up(404, body, {"assistant": "asst_1"})


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
def test_missing_route_does_not_prove_a_missing_object(body: object) -> None:
    look_up(404, body, {"assistant": "asst_1"})


def test_other_responses_are_not_errors() -> None:
    for status in (200, 400, 401, 500):
        look_up(status, {"error": {"message": "No assistant asst_1"}}, {"assistant": "asst_1"})


def test_run_is_looked_up_only_with_its_thread() -> None:
    body = {"error": {"message": "No run found with id 'run_1'."}}
    look_up(404, body, {"run": "run_1"})
    with pytest.raises(ObjectNotFound, match="--use run=run_1"):
        look_up(404, body, {"run": "run_1", "thread": "thread_1"})
