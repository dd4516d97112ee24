"""Server errors, timeouts and refusals are distinguished."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.evidence.server_failure import (
    TIMEOUT_SECONDS,
    describe_unclear_status,
    is_server_error,
    operation_failures,
    others_served_around,
    timed_out,
)
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion
from tests.rules.histories import HistoryBuilder, error, run
from tests.rules.streams import opening


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (500, {}, True),
        (503, {}, True),
        (503, {"retry-after": "1"}, False),
        (501, {}, False),
        (404, {}, False),
        (200, {}, False),
    ],
)
def test_server_error(status: int, headers: dict[str, str], expected: bool) -> None:
    assert is_server_error(HistoryBuilder().send("get_run", error(), status, answered=headers)) is expected


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "HTTP 500"), (429, "HTTP 429"), (200, "an error or no JSON with HTTP 200")],
)
def test_status_that_is_neither_acceptance_nor_refusal(status: int, words: str) -> None:
    assert describe_unclear_status(HistoryBuilder().send("get_run", error(), status)) == words


def test_no_response_is_neither_acceptance_nor_refusal() -> None:
    assert describe_unclear_status(replace(HistoryBuilder().lose_answer("get_run"), response=None)) == "no response"


@pytest.mark.parametrize(
    ("took", "completion", "expected"),
    [
        (TIMEOUT_SECONDS, Completion.UNKNOWN, True),
        (TIMEOUT_SECONDS - 1, Completion.UNKNOWN, False),
        (TIMEOUT_SECONDS, Completion.ANSWERED, False),
        (TIMEOUT_SECONDS, Completion.NOT_CONNECTED, False),
    ],
)
def test_timeout(took: float, completion: Completion, expected: bool) -> None:
    assert timed_out(HistoryBuilder().send("get_run", took=took, completion=completion)) is expected


def test_truncated_stream_did_not_time_out() -> None:
    builder = HistoryBuilder()
    assert not timed_out(builder.stream("create_run", *opening(), took=TIMEOUT_SECONDS, completion=Completion.UNKNOWN))


def test_others_are_served_around_a_failure() -> None:
    builder = HistoryBuilder()
    first, failed, last = builder.get_run(run()), builder.refuse("get_run", 500), builder.get_run(run())
    history = builder.history()
    assert others_served_around(history, failed)
    assert not others_served_around(history, first)
    assert not others_served_around(history, last)


def test_failures_are_grouped_by_operation_and_probe() -> None:
    builder = HistoryBuilder()
    builder.get_run(run())
    builder.refuse("get_run", 500)
    builder.refuse("get_run", 500, step=Step(operation="get_run", anomaly="nul", probe=True))
    builder.send("get_run", completion=Completion.UNKNOWN, took=TIMEOUT_SECONDS)
    builder.send("get_run", completion=Completion.NOT_CONNECTED)
    ordinary, probes = operation_failures(builder.history())
    assert (ordinary.operation, ordinary.probe, len(ordinary.exchanges)) == ("get_run", None, 3)
    assert [failure.is_timeout for failure in ordinary.failures] == [False, True]
    assert (probes.probe, len(probes.failures)) == ("nul", 1)
