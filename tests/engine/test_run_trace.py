from __future__ import annotations

from typing import Any

from runs_conformance.engine.run_trace import MAX_ENTRIES, run_trace
from tests.rules.histories import HistoryBuilder, error, run


def told(builder: HistoryBuilder, place: int = -1) -> list[Any]:
    history = builder.history()
    return run_trace(history, history.exchanges[place])


def test_it_tells_what_was_seen_and_done_in_order() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("cancel_run", error("No."), 400)
    builder.send("get_run", run("in_progress"))
    entries = told(builder)
    assert [entry["statuses"] for entry in entries] == [["queued"], ["completed"], [], ["in_progress"]]
    assert entries[2]["operation"] == "cancel_run"
    assert entries[2]["http_status"] == 400
    assert [entry["shows"] for entry in entries] == [False, False, False, True]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


def test_looks_in_a_row_that_saw_the_same_are_one_but_never_the_one_that_shows_it() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", *["in_progress"] * 30, "completed")
    assert [(entry["statuses"], entry["times"]) for entry in told(builder)] == [
        (["queued"], 1),
        (["in_progress"], 30),
        (["completed"], 1),
    ]
    assert [entry["times"] for entry in told(builder, 20)] == [1, 19, 1, 10, 1]


def test_a_long_life_is_told_from_both_ends() -> None:
    builder = HistoryBuilder()
    builder.see_statuses(*["queued", "in_progress"] * 100)
    entries = told(builder)
    assert len(entries) == MAX_ENTRIES
    assert entries[0]["exchange"] == builder.exchanges[0].id
    assert entries[-1]["shows"]


def test_what_is_about_no_run_has_none() -> None:
    builder = HistoryBuilder()
    builder.see_statuses("queued", "completed")
    builder.send("get_thread", {"id": "thread_1", "object": "thread"})
    assert told(builder) == []
