"""A recording of months is ordered by its times; one date that stands for unknown times is forgotten."""

from __future__ import annotations

import pytest

from runs_conformance.recordings.ordering import in_order
from runs_conformance.recordings.placeholder_times import placeholder_times
from runs_conformance.recordings.summary import EntrySummary

_DAY = 86_400.0
_BEGAN = 1.76e9


def _order(*starts: float) -> list[int]:
    """The order of entries that began at these times."""
    entries = [EntrySummary(number, began, 0.1, True, number, 0, 0, 0, 0) for number, began in enumerate(starts, 1)]
    return [timed.entry.sequence_number for timed in in_order(entries)]


def _sessions(*days: float) -> list[float]:
    """The times of sessions of three requests, on these days."""
    return [_BEGAN + day * _DAY + second for day in days for second in (0.25, 1.5, 2.75)]


@pytest.mark.parametrize(
    ("starts", "order"),
    [
        (_sessions(0, 100), [1, 2, 3, 4, 5, 6]),
        (_sessions(0, 100)[::-1], [6, 5, 4, 3, 2, 1]),
        (_sessions(100, 0), [4, 5, 6, 1, 2, 3]),
        (_sessions(0, 400, 200), [1, 2, 3, 7, 8, 9, 4, 5, 6]),
        ([_BEGAN + 100 * _DAY, _BEGAN], [2, 1]),
    ],
)
def test_sessions_months_apart_are_sorted(starts: list[float], order: list[int]) -> None:
    assert placeholder_times(starts) == frozenset()
    assert _order(*starts) == order


@pytest.mark.parametrize("placeholder", [0.0, _BEGAN - 90 * _DAY, _BEGAN + 90 * _DAY])
def test_one_date_among_real_ones_is_forgotten(placeholder: float) -> None:
    first, second, third, *others = _sessions(0, 0.1)
    assert _order(first, placeholder, second, third, *others) == [1, 2, 3, 4, 5, 6, 7]
    assert _order(first, placeholder, second, placeholder, *others) == [1, 2, 3, 4, 5, 6, 7]


def test_clock_that_was_never_set_is_forgotten() -> None:
    assert placeholder_times([5.0, 6.5, *_sessions(0)]) == {5.0, 6.5}
    assert placeholder_times([5.0, 6.5, 100 * _DAY, 100 * _DAY + 1]) == frozenset()  # Nothing shows the real time.


def test_no_time_is_forgotten_in_a_file_without_an_order() -> None:
    last, first, second = _BEGAN + 90 * _DAY, _BEGAN, _BEGAN + 5 * _DAY
    assert _order(second, last, first + 3, second + 1, first + 1, second + 2)[-1] == 2
