"""A response that quotes an earlier body is about that body."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.evidence.refusal import application_errors
from runs_conformance.model.json import ABSENT
from tests.rules.histories import HistoryBuilder, error

PAGE = "<!DOCTYPE HTML><p>Error code: 400</p><p>Message: Bad request syntax"
STRANGE = {"metadata": {"who": "stranger"}}


def second_of_two(text: str, *, status: int = 400, body: Any = STRANGE) -> HistoryBuilder:
    """Two requests with a body, of which the second gets a page with this text."""
    builder = HistoryBuilder()
    builder.refuse("modify_thread", 401, body=body)
    builder.send("modify_thread", ABSENT, status, body=body)
    exchange = builder.exchanges[-1]
    assert exchange.response is not None
    builder.exchanges[-1] = replace(exchange, response=replace(exchange.response, text=text))
    return builder


@pytest.mark.parametrize("status", [400, 501])
@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (STRANGE, '{"metadata":{"who":"stranger"}}POST /v1/threads'),
        (STRANGE, "{&quot;metadata&quot;: {&quot;who&quot;: &quot;stranger&quot;}}POST"),
        ({}, "{}POST"),
    ],
)
def test_response_that_quotes_the_body_before_is_no_error_of_its_request(status: int, body: Any, quoted: str) -> None:
    history = second_of_two(f"{PAGE} ('{quoted}').", status=status, body=body).history()
    assert {id_: earlier.id for id_, earlier in misread_requests(history).items()} == {"x1": "x0"}
    assert [exchange.id for exchange in application_errors(history)] == ["x0"]


@pytest.mark.parametrize(
    "text",
    [
        "<p>Not found</p>",
        f"{PAGE} ('POST /v1/threads').",
        f"""{PAGE} ('{{"name":"somebody"}}POST /v1/threads').""",
        """Use {"metadata":{"who":"stranger"}} with POST.""",
        """Use {"metadata":{"who":"stranger"}} POSTED.""",
    ],
)
def test_other_refusals_are_those_of_their_requests(text: str) -> None:
    assert not misread_requests(second_of_two(text).history())


def test_latest_of_the_quoted_bodies_was_left() -> None:
    builder = HistoryBuilder()
    builder.refuse("modify_thread", 401, body=STRANGE)
    builder.refuse("modify_thread", 401, body=STRANGE)
    builder.refuse("modify_thread", 401, body={"metadata": {}})
    builder.send("modify_thread", error(f"Bad request: {json.dumps(STRANGE)}POST"), 400, body=STRANGE)
    (earlier,) = misread_requests(builder.history()).values()
    assert earlier.id == "x1"


def test_first_request_follows_no_body() -> None:
    builder = HistoryBuilder()
    builder.send("modify_thread", error("Bad request: {'metadata': {}}POST"), 400, body=STRANGE)
    assert not misread_requests(builder.history())
