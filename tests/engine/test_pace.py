from __future__ import annotations

from conformance.engine.pace import EXPERIENCE, LONG, SHORT, Pace


def experienced(arrived: int = 0, in_vain: int = 0, seconds: float = 0.1) -> Pace:
    pace = Pace()
    for _ in range(arrived):
        pace.arrived(seconds)
    for _ in range(in_vain):
        pace.in_vain()
    return pace


def test_without_experience_the_patience_is_what_was_given() -> None:
    assert experienced(arrived=EXPERIENCE - 1, in_vain=EXPERIENCE - 1).patience(60) == 60


def test_where_runs_are_quick_the_patience_is_short() -> None:
    assert experienced(arrived=EXPERIENCE).patience(60) == LONG
    assert experienced(arrived=EXPERIENCE, in_vain=EXPERIENCE).patience(60) == SHORT


def test_where_runs_are_slow_the_patience_is_long() -> None:
    assert experienced(arrived=EXPERIENCE, seconds=2.0).patience(60) == 40
    assert experienced(arrived=EXPERIENCE, seconds=9.0).patience(60) == 60


def test_where_nothing_ever_arrives_the_patience_shrinks() -> None:
    assert experienced(in_vain=EXPERIENCE).patience(60) == LONG


def test_less_patience_than_was_given_is_never_exceeded() -> None:
    assert experienced(arrived=9, in_vain=9, seconds=9.0).patience(1) == 1


def test_looks_are_no_closer_than_runs_that_are_known_make_worth_while() -> None:
    assert Pace().pause(0.0) == Pace().first
    assert experienced(arrived=1, seconds=0.06).pause(0.0) == 0.03
    assert experienced(arrived=1, seconds=9.0).pause(0.0) == Pace().calm
    assert experienced(arrived=5, seconds=0.0).pause(0.0) == Pace().first
