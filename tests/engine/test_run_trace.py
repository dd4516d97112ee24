"""A trace shows the actions on a run and its statuses in order."""

from __future__ import annotations

from typing import Any

from runs_conformance.engine.run_trace import MAX_ENTRIES, run_trace
from tests.rules.histories import HistoryBuilder, error, run


def trace(builder: HistoryBuilder, position: int = -1) -> list[Any]:
    history = builder.history()
    return run_trace(history, history.exchanges[position])


def test_actions_and_observations_are_in_order() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("cancel_run", error("No."), 400)
    builder.send("get_run", run("in_progress"))
    entries = trace(builder)
    assert [entry["statuses"] for entry in entries] == [["queued"], ["completed"], [], ["in_progress"]]
    assert entries[2]["operation"] == "cancel_run"
    assert entries[2]["http_status"] == 400
    assert [entry["shows"] for entry in entries] == [False, False, False, True]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


def test_equal_polls_are_merged_except_the_failing_one() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", *["in_progress"] * 30, "completed")
    assert [(entry["statuses"], entry["times"]) for entry in trace(builder)] == [
        (["queued"], 1),
        (["in_progress"], 30),
        (["completed"], 1),
    ]
    assert [entry["times"] for entry in trace(builder, 20)] == [1, 19, 1, 10, 1]


def test_long_trace_is_shortened_in_the_middle() -> None:
    builder = HistoryBuilder()
    builder.see_statuses(*["queued", "in_progress"] * 100)
    entries = trace(builder)
    assert len(entries) == MAX_ENTRIES
    assert entries[0]["exchange"] == builder.exchanges[0].id
    assert entries[-1]["shows"]


def test_exchange_without_run_has_no_trace() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("get_thread", {"id": "thread_1", "object": "thread"})
    assert trace(builder) == []
