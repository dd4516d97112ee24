from __future__ import annotations

from runs_conformance.engine.polling import MIN_SAMPLES, MIN_TIMEOUT, MIN_TIMEOUT_AFTER_HANGS, PollSchedule


def experienced(arrived: int = 0, in_vain: int = 0, seconds: float = 0.1) -> PollSchedule:
    pace = PollSchedule()
    for _ in range(arrived):
        pace.record_success(seconds)
    for _ in range(in_vain):
        pace.record_timeout()
    return pace


def test_without_experience_the_patience_is_what_was_given() -> None:
    assert experienced(arrived=MIN_SAMPLES - 1, in_vain=MIN_SAMPLES - 1).timeout(60) == 60


def test_where_runs_are_quick_the_patience_is_short() -> None:
    assert experienced(arrived=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT
    assert experienced(arrived=MIN_SAMPLES, in_vain=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT_AFTER_HANGS


def test_where_runs_are_slow_the_patience_is_long() -> None:
    assert experienced(arrived=MIN_SAMPLES, seconds=2.0).timeout(60) == 40
    assert experienced(arrived=MIN_SAMPLES, seconds=9.0).timeout(60) == 60


def test_where_nothing_ever_arrives_the_patience_shrinks() -> None:
    assert experienced(in_vain=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT


def test_less_patience_than_was_given_is_never_exceeded() -> None:
    assert experienced(arrived=9, in_vain=9, seconds=9.0).timeout(1) == 1


def test_looks_are_no_closer_than_runs_that_are_known_make_worth_while() -> None:
    assert PollSchedule().interval(0.0) == PollSchedule().min_interval
    assert experienced(arrived=1, seconds=0.06).interval(0.0) == 0.03
    assert experienced(arrived=1, seconds=9.0).interval(0.0) == PollSchedule().max_first_interval
    assert experienced(arrived=5, seconds=0.0).interval(0.0) == PollSchedule().min_interval


DONE = ("completed", "failed")


def looks(pace: PollSchedule, seconds: float) -> list[float]:
    """When a run that takes so long is looked at."""
    at = [0.0]
    while at[-1] < seconds:
        at.append(at[-1] + pace.interval(at[-1], DONE))
    return at


def test_without_experience_the_pauses_grow() -> None:
    assert looks(PollSchedule(min_interval=0.25, max_interval=2.0), 2.0) == [
        0.0,
        0.25,
        0.5,
        0.75,
        1.125,
        1.6875,
        2.53125,
    ]


def test_what_is_due_is_looked_for_when_it_is_due() -> None:
    pace = PollSchedule(min_interval=0.25, max_interval=2.0)
    for _ in range(MIN_SAMPLES):
        pace.record_success(9.0, ("requires_action",))
        pace.record_success(2.0, DONE)
    assert looks(pace, 2.0)[-1] < 2.2
    assert looks(pace, 2.3)[-1] < 2.6
    assert len(looks(pace, 600.0)) < 320


def test_one_run_that_took_long_changes_nothing() -> None:
    pace = PollSchedule(min_interval=0.02)
    for seconds in (2.0, 2.0, 60.0, 2.0, 2.0):
        pace.record_success(seconds, DONE)
    assert looks(pace, 2.0)[-1] < 2.2
