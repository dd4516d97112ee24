"""Entries that were recorded twice count once; entries without an order overlap each other."""

from __future__ import annotations

import pytest

from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.ordering import in_order
from runs_conformance.recordings.summary import EntrySummary, summarize

_BEGAN = 1.76e9


def _exact(number: int, began: float, identity: int, response: int = 31) -> EntrySummary:
    return EntrySummary(number, _BEGAN + began, 0.1, True, 11, identity, 21, response, 9)


def _numbers(*entries: EntrySummary) -> list[int]:
    return [timed.entry.sequence_number for timed in in_order(entries)]


def test_two_recorders_with_different_clocks_saved_one_exchange() -> None:
    assert _numbers(_exact(1, 0, 7), _exact(2, 0.15, 7)) == [1]
    assert _numbers(_exact(1, 0, 7), _exact(2, 5, 8), _exact(3, 30, 7)) == [1, 2]


@pytest.mark.parametrize(
    "other",
    [
        _exact(2, 0.15, 0),  # without a request id
        _exact(2, 0.15, 7, response=32),  # another response
        _exact(2, 90, 7),  # later than clocks differ
    ],
)
def test_different_exchanges_are_both_kept(other: EntrySummary) -> None:
    assert _numbers(_exact(1, 0, other.identity), other) == [1, 2]


def _entry(number: int, method: str, path: str, second: int | None, created: str = "") -> EntrySummary:
    content = f'{{"id": "{created}"}}'.encode() if created else b"{}"
    began = None if second is None else _BEGAN + second
    return summarize(
        RecordedEntry(
            sequence_number=number, method=method, url=f"https://api.openai.com/v1{path}", status=200,
            response_content=content, started_at=began,
        )
    )  # fmt: skip


def _overlaps(*entries: EntrySummary) -> list[tuple[int, int]]:
    timed = in_order(entries)
    return [
        (one.entry.sequence_number, other.entry.sequence_number)
        for position, one in enumerate(timed)
        for other in timed[position + 1 :]
        if other.started < one.ended and one.started < other.ended
    ]


def test_entries_of_one_second_without_an_order_overlap() -> None:
    entries = [
        _entry(1, "POST", "/threads", 0, "thread_1"),
        _entry(2, "GET", "/threads/thread_1/runs/run_1", 3),
        _entry(3, "POST", "/threads/thread_1/runs", 3, "run_1"),
        _entry(4, "POST", "/threads/thread_1/runs", 5, "run_2"),
        _entry(5, "GET", "/threads/thread_1/runs/run_2", 5),
    ]
    assert _overlaps(*entries) == [(2, 3), (4, 5)]
    assert _overlaps(entries[0], entries[2], *entries[3:]) == []


def test_file_without_times_and_without_an_order_overlaps_as_a_whole() -> None:
    entries = [
        _entry(1, "POST", "/threads", None, "thread_1"),
        _entry(2, "GET", "/threads/thread_1/runs/run_1", None),
        _entry(3, "POST", "/threads/thread_1/runs", None, "run_1"),
        _entry(4, "GET", "/threads/thread_1", None),
    ]
    assert len(_overlaps(*entries)) == 6


def test_object_that_is_modified_was_not_created_then() -> None:
    entries = [
        _entry(1, "GET", "/threads/thread_1", 0),
        _entry(2, "POST", "/threads/thread_1", 0, "thread_1"),
        _entry(3, "GET", "/threads/thread_1", 0),
    ]
    assert _overlaps(*entries) == []
