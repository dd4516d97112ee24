"""Requests are concurrent if they overlap on one object."""

from __future__ import annotations

import pytest

from runs_conformance.evidence.concurrent_requests import concurrent_requests
from runs_conformance.model.exchange import Completion
from tests.rules.histories import HistoryBuilder, run


def test_overlapping_requests_on_one_run_are_concurrent() -> None:
    builder = HistoryBuilder()
    first = builder.send("cancel_run", run("cancelling"), at=100.0)
    second = builder.refuse("cancel_run", at=100.5)
    (group,) = concurrent_requests(builder.history())
    assert group.exchanges == (first, second)
    assert group.accepted == (first,)
    assert group.all_decided
    assert group.ended == second.ended


def test_sequential_requests_are_not_concurrent() -> None:
    builder = HistoryBuilder()
    builder.send("cancel_run", run("cancelling"))
    builder.refuse("cancel_run")
    assert concurrent_requests(builder.history()) == ()


def test_requests_on_different_runs_are_not_concurrent() -> None:
    builder = HistoryBuilder()
    builder.send("cancel_run", run("cancelling"), at=100.0)
    builder.send("cancel_run", run("cancelling", "run_b"), at=100.5, run_id="run_b")
    assert concurrent_requests(builder.history()) == ()


def test_unsent_request_is_not_concurrent() -> None:
    builder = HistoryBuilder()
    builder.send("cancel_run", run("cancelling"), at=100.0)
    builder.send("cancel_run", completion=Completion.NOT_CONNECTED, at=100.5)
    assert concurrent_requests(builder.history()) == ()


@pytest.mark.parametrize(("sent", "simultaneous"), [(None, True), (100.9, True), (101.1, False)])
def test_request_that_is_sent_late_is_not_simultaneous(sent: float | None, simultaneous: bool) -> None:
    builder = HistoryBuilder()
    builder.send("cancel_run", run("cancelling"), at=100.0, sent=100.1)
    builder.refuse("cancel_run", at=100.2, took=2.0, sent=sent)
    (group,) = concurrent_requests(builder.history())
    assert group.are_simultaneous is simultaneous


def test_rate_limited_request_is_not_decided() -> None:
    builder = HistoryBuilder()
    builder.send("cancel_run", run("cancelling"), at=100.0)
    builder.refuse("cancel_run", 429, at=100.5)
    (group,) = concurrent_requests(builder.history())
    assert not group.all_decided
