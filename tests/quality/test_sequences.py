"""The committed table of sequences is complete, and those in which servers were wrong are covered."""

from __future__ import annotations

from tests.quality import sequences
from tests.quality.sequences import (
    CANCEL,
    MESSAGE,
    NONE,
    REASONS,
    REQUESTS,
    REQUIRED,
    START,
    WORKING,
    Beginning,
    Change,
    all_beginnings,
    met_sequences,
    read,
    rows_of,
)
from tests.quality.tables import FOLDER
from tests.rules.histories import HistoryBuilder, error, message, run

REFRESH = "run `tox -e situations` and commit the result"


def test_table_lists_every_sequence() -> None:
    assert [row.beginning for row in read()] == [each.name for each in all_beginnings()], REFRESH
    assert all([*row.requests] == [request.name for request in REQUESTS] for row in read()), REFRESH


def test_every_sequence_is_covered_or_has_a_reason() -> None:
    assert {mark for row in read() for mark in row.requests.values()} <= {"x", *REASONS}


def test_reasons_are_true() -> None:
    beginnings = {each.name: each for each in all_beginnings()}
    marks = {(beginnings[row.beginning], name): mark for row in read() for name, mark in row.requests.items()}
    covered = {(beginning.state, name) for (beginning, name), mark in marks.items() if mark == "x"}
    for (beginning, name), mark in marks.items():
        after, other_channel = (beginning.state, name), (beginning.state, name.removesuffix(" (stream)"))
        if mark == "B" and beginning.state != WORKING:
            assert beginning.changes[1].state == WORKING
        else:
            assert mark not in "BF" or after in covered
        assert mark != "G" or after not in covered
        assert mark != "I" or (after not in covered and other_channel in covered)


def test_required_sequences_are_covered() -> None:
    marks = {(row.beginning, name): mark for row in read() for name, mark in row.requests.items()}
    assert [each for each in REQUIRED if marks[each] != "x"] == [], REFRESH


def test_page_states_the_rows() -> None:
    assert (FOLDER / "sequences.md").read_text(encoding="utf-8") == sequences.page(read()), REFRESH


def test_sequence_has_accepted_changes_and_any_last_request() -> None:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.send("create_message", error("locked"), status=400)
    builder.send("cancel_run", run("cancelling"))
    builder.get_run(run("cancelled"))
    builder.send("create_message", message())
    start, cancel = Change(NONE, START), Change("working", CANCEL)
    assert [*met_sequences(builder.history())] == [
        (Beginning((start,), "working"), MESSAGE),
        (Beginning((start,), "working"), CANCEL),
        (Beginning((cancel,), "cancelled"), MESSAGE),
        (Beginning((start, cancel), "cancelled"), MESSAGE),
    ]


def test_reason_says_which_part_of_a_triple_is_covered() -> None:
    first, second = HistoryBuilder(), HistoryBuilder()
    first.create_run(run("queued"))
    first.get_run(run("completed"))
    first.create_run(run("queued", "run_b"))
    second.create_run(run("queued"))
    rows = {row.beginning: row.requests for row in rows_of([first.history(), second.history()])}
    assert rows["none: create_run, completed"]["create_run"] == "x"
    assert rows["none: create_run, completed: create_run, completed"]["create_run"] == "E"
    assert rows["none: create_run, failed"]["create_run"] == "G"
