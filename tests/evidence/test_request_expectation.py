"""A request must be accepted if there is no legal reason to refuse it."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.evidence.request_expectation import is_interpretable, must_be_accepted, uses_default_auth
from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Key, Mutation, Role, Step
from runs_conformance.model.exchange import Exchange, Request
from tests.rules.histories import HistoryBuilder, run


def sent(**members: Any) -> Exchange:
    return HistoryBuilder().create_run(step=Step(operation="create_run", **members))


def test_default_auth_of_steps() -> None:
    assert uses_default_auth(sent())
    assert not uses_default_auth(sent(key=Key.WRONG))
    assert not uses_default_auth(sent(headers={"OpenAI-Beta": None}))


@pytest.mark.parametrize(
    ("status", "headers", "dialect", "expected"),
    [
        (200, {"x": "y"}, "openai", True),
        (400, {"x": "y"}, "openai", False),
        (400, {"OpenAI-Beta": "assistants=v2"}, "openai", True),
        (400, {"x": "y"}, "azure", True),
        (400, {}, "openai", True),
    ],
)
def test_default_auth_of_other_traffic(status: int, headers: dict[str, str], dialect: str, expected: bool) -> None:
    exchange = HistoryBuilder(dialect).send("create_run", run(), status, headers=headers)
    assert uses_default_auth(exchange) is expected


def test_ordinary_requests_must_be_accepted() -> None:
    assert must_be_accepted(sent())
    assert must_be_accepted(sent(expectation=Accept()))
    assert must_be_accepted(HistoryBuilder().create_run())


@pytest.mark.parametrize(
    "members",
    [
        {"key": Key.NONE},
        {"expectation": REFUSES_BODY},
        {"expectation": Either("open")},
        {"role": Role.NEGATIVE},
        {"mutation": Mutation("/a", "minimum", 1, 0)},
        {"raw": b"{"},
    ],
)
def test_requests_that_may_be_refused(members: dict[str, Any]) -> None:
    assert not must_be_accepted(sent(**members))


def test_interpretable_requests() -> None:
    builder = HistoryBuilder()
    assert is_interpretable(builder.create_run())
    assert is_interpretable(builder.get_run(run()))
    assert not is_interpretable(sent(expectation=REFUSES_BODY))


def test_body_that_is_not_json_is_not_interpretable() -> None:
    builder = HistoryBuilder()
    exchange = builder.create_run()
    object.__setattr__(exchange, "request", Request("POST", "/threads/thread_a/runs", text="{"))
    assert not is_interpretable(exchange)
