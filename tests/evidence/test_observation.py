"""Objects are observed in responses, pages and events, in order of time."""

from __future__ import annotations

import pytest

from runs_conformance.evidence.observation import (
    MAX_OBSERVED_ITEMS,
    STREAM_CHANNEL,
    Observation,
    all_observations,
    observations,
    observations_in,
)
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import PASSED, Finding
from tests.rules.histories import T0, HistoryBuilder, message, page, run
from tests.rules.streams import opening


def observe(builder: HistoryBuilder) -> tuple[Observation, ...]:
    return all_observations(builder.history())


def test_object_in_an_answer() -> None:
    builder = HistoryBuilder()
    exchange = builder.get_run(run("completed", last_error=None))
    (observation,) = observe(builder)
    assert (observation.kind, observation.status, observation.pointer) == ("run", "completed", "")
    assert (observation.earliest, observation.latest) == (exchange.started, exchange.ended)
    assert observation.time("created_at") == T0
    assert observation.time("last_error") is None
    assert observation.text("last_error") == ""
    assert observation.get("/usage/total_tokens") == 12
    assert observation.get("other") is ABSENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14t22:13:20.999999z", 1_700_000_000),
        ("2023-11-14 23:13:20.5+01:00", 1_700_000_000),
        ("2023-11-14T22:13:20", None),
        ("2023-11-14", None),
        ("2023-13-14T22:13:20Z", None),
        ("2023-11-14T22:13:20Z, or so", None),
        ("1700000000", None),
        ("", None),
    ],
)
def test_time_that_is_a_text(text: str, expected: float | None) -> None:
    builder = HistoryBuilder()
    builder.get_run(run("completed", created_at=text))
    (observation,) = observe(builder)
    assert observation.time("created_at") == expected


def test_objects_in_a_page() -> None:
    builder = HistoryBuilder()
    builder.send("list_messages", page(message(), message("user", id_="msg_b")))
    assert [(each.id, each.pointer) for each in observe(builder)] == [("msg_a", "/data/0"), ("msg_b", "/data/1")]
    assert observations("run", builder.history()) == ()


def test_a_very_long_page_is_observed_in_part() -> None:
    builder = HistoryBuilder()
    builder.send("list_runs", page(*[run()] * (MAX_OBSERVED_ITEMS + 1)))
    assert len(observe(builder)) == MAX_OBSERVED_ITEMS


def test_objects_in_a_stream() -> None:
    builder = HistoryBuilder()
    exchange = builder.stream("create_run", *opening())
    created, queued, _ = observe(builder)
    assert created.channel == STREAM_CHANNEL
    assert created.pointer == "/events/0/data"
    assert created.earliest == exchange.started < created.latest < exchange.ended
    assert created.happened_before(queued)
    assert not queued.happened_before(created)


def test_refused_request_shows_nothing() -> None:
    builder = HistoryBuilder()
    assert list(observations_in(builder.refuse("get_run"))) == []


def test_order_of_observations() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("queued"))
    builder.get_run(run("in_progress"), at=103.0)
    builder.get_run(run("completed"), at=103.5)
    first, second, overlapping = observe(builder)
    assert first.happened_before(second)
    assert not second.happened_before(first)
    assert not second.happened_before(overlapping)


def test_check_passes_or_finds() -> None:
    builder = HistoryBuilder()
    builder.send("list_messages", page(message()))
    (observation,) = observe(builder)
    assert observation.check(True, "wrong role", "/role") is PASSED
    finding = observation.check(False, "wrong role", "/role", "user", "assistant")
    assert isinstance(finding, Finding)
    assert (finding.pointer, finding.expected, finding.actual) == ("/data/0/role", "user", "assistant")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (T0, T0),
        (T0 + 0.5, T0 + 0.5),
        (T0 * 1000 + 999, T0),
        (T0 * 10**6, T0),
        (T0 * 10**9 + 1, T0),
        (0, None),
        (12.5, None),
        (-T0, None),
        (10**10, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
    ],
)
def test_time_is_read_in_seconds_whatever_its_unit(value: float, expected: float | None) -> None:
    builder = HistoryBuilder()
    builder.get_run(run("completed", created_at=value))
    (observation,) = observe(builder)
    assert observation.time("created_at") == expected
