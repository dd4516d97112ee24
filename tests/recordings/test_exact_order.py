"""Many entries with exact times are put into the order that the general way finds."""

from __future__ import annotations

import math
import random

import pytest

from runs_conformance.recordings.exact_order import EntryTimes, order_by_exact_times
from runs_conformance.recordings.ordering import in_order
from runs_conformance.recordings.summary import EntrySummary

_DAY = 86_400.0


def _entries(random_: random.Random) -> list[EntrySummary]:
    """Entries in the order of a recorder, with few addresses, so that some look like the same exchange."""
    now, entries = 1.8e9, []
    for number in range(1, random_.randrange(2, 30)):
        now += random_.choice([0.001, 0.02, 0.06, 1.0])
        began = now - random_.choice([0.0, 0.0, 0.02])
        address, request, response = (random_.choice(kinds) for kinds in ((11, 12), (0, 21), (0, 31, 32, 33)))
        identity = random_.choice([0, 0, number + 100])
        entries.append(
            EntrySummary(number, began, random_.choice([0.0, 0.03, 0.5]), True, address, identity, request, response, 9)
        )
    return entries


def _columns(entries: list[EntrySummary]) -> EntryTimes:
    return EntryTimes(
        bytearray(entry.has_exact_times for entry in entries),
        [math.nan if entry.started_at is None else entry.started_at for entry in entries],
        [math.nan if entry.seconds is None else entry.seconds for entry in entries],
        [entry.address for entry in entries],
        [entry.identity for entry in entries],
        [entry.request for entry in entries],
        [entry.response for entry in entries],
    )


def _order(entries: list[EntrySummary]) -> list[int] | None:
    rows = order_by_exact_times(list(range(len(entries))), _columns(entries))
    return None if rows is None else [entries[row].sequence_number for row in rows]


def test_order_is_that_of_the_general_way() -> None:
    found = 0
    for seed in range(300):
        entries = _entries(random.Random(seed))
        if seed % 5 == 0:
            entries = [
                EntrySummary(number, *(getattr(entry, name) for name in EntrySummary.__slots__[1:]))
                for number, entry in enumerate(reversed(entries), 1)
            ]
        order = _order(entries)
        if order is not None:
            found += 1
            timed = in_order(entries)
            assert order == [each.entry.sequence_number for each in timed], seed
            assert [(each.started, each.ended) for each in timed] == [
                (entry.started_at, (entry.started_at or 0.0) + (entry.seconds or 0.0))
                for entry in (entries[number - 1] for number in order)
            ]
    assert 25 < found < 275


def _entry(
    number: int, began: float | None, seconds: float | None = 0.1, address: int = 0, identity: int = 0
) -> EntrySummary:
    return EntrySummary(number, began, seconds, True, address or number, identity, 0, 0, 0)


@pytest.mark.parametrize(
    "second",
    [
        _entry(3, 5.0, None),
        _entry(3, None),
        _entry(3, 40 * _DAY),
        _entry(3, -5.0),
        _entry(3, 0.02, address=2),
        _entry(3, 0.02, address=7, identity=1),
    ],
    ids=["duration unknown", "time unknown", "a month later", "clock set back", "same address", "same request id"],
)
def test_what_needs_a_closer_look_is_left_to_the_general_way(second: EntrySummary) -> None:
    before = [_entry(1, -1.0), _entry(2, 0.0, identity=second.identity)]
    assert _order([*before, _entry(3, 5.0)]) == [1, 2, 3]
    assert _order([*before, second]) is None
