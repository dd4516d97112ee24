"""Polls follow the duration of earlier runs."""

from __future__ import annotations

from runs_conformance.engine.polling import MIN_SAMPLES, MIN_TIMEOUT, MIN_TIMEOUT_AFTER_HANGS, PollSchedule


def schedule_with(successes: int = 0, timeouts: int = 0, seconds: float = 0.1) -> PollSchedule:
    schedule = PollSchedule()
    for _ in range(successes):
        schedule.record_success(seconds)
    for _ in range(timeouts):
        schedule.record_timeout()
    return schedule


def test_timeout_is_as_configured_without_samples() -> None:
    assert schedule_with(successes=MIN_SAMPLES - 1, timeouts=MIN_SAMPLES - 1).timeout(60) == 60


def test_timeout_is_short_after_fast_runs() -> None:
    assert schedule_with(successes=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT
    assert schedule_with(successes=MIN_SAMPLES, timeouts=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT_AFTER_HANGS


def test_timeout_is_long_after_slow_runs() -> None:
    assert schedule_with(successes=MIN_SAMPLES, seconds=2.0).timeout(60) == 40
    assert schedule_with(successes=MIN_SAMPLES, seconds=9.0).timeout(60) == 60


def test_timeout_shrinks_after_hangs() -> None:
    assert schedule_with(timeouts=MIN_SAMPLES).timeout(60) == MIN_TIMEOUT


def test_timeout_never_exceeds_the_configured_one() -> None:
    assert schedule_with(successes=9, timeouts=9, seconds=9.0).timeout(1) == 1


def test_first_interval_follows_the_mean_duration() -> None:
    assert PollSchedule().interval(0.0) == PollSchedule().min_interval
    assert schedule_with(successes=1, seconds=0.06).interval(0.0) == 0.03
    assert schedule_with(successes=1, seconds=9.0).interval(0.0) == PollSchedule().max_first_interval
    assert schedule_with(successes=5, seconds=0.0).interval(0.0) == PollSchedule().min_interval


DONE = ("completed", "failed")


def poll_times(schedule: PollSchedule, seconds: float) -> list[float]:
    """The times at which a run of this duration is polled."""
    at = [0.0]
    while at[-1] < seconds:
        at.append(at[-1] + schedule.interval(at[-1], DONE))
    return at


def test_intervals_grow_without_samples() -> None:
    assert poll_times(PollSchedule(min_interval=0.25, max_interval=2.0), 2.0) == [
        0.0,
        0.25,
        0.5,
        0.75,
        1.125,
        1.6875,
        2.53125,
    ]


def test_polls_are_dense_around_the_median_duration() -> None:
    schedule = PollSchedule(min_interval=0.25, max_interval=2.0)
    for _ in range(MIN_SAMPLES):
        schedule.record_success(9.0, ("requires_action",))
        schedule.record_success(2.0, DONE)
    assert poll_times(schedule, 2.0)[-1] < 2.2
    assert poll_times(schedule, 2.3)[-1] < 2.6
    assert len(poll_times(schedule, 600.0)) < 320


def test_single_slow_run_does_not_change_the_median() -> None:
    schedule = PollSchedule(min_interval=0.02)
    for seconds in (2.0, 2.0, 60.0, 2.0, 2.0):
        schedule.record_success(seconds, DONE)
    assert poll_times(schedule, 2.0)[-1] < 2.2


def test_first_poll_waits_once_the_usual_duration_is_known() -> None:
    schedule = PollSchedule(min_interval=0.02)
    assert schedule.first_pause(DONE) == 0.0
    for _ in range(MIN_SAMPLES):
        schedule.record_success(2.0, DONE)
        schedule.record_success(2.0, (*DONE, "in_progress"))
        schedule.record_success(0.03, ("requires_action",))
    assert schedule.first_pause(DONE) == schedule.interval(0.0, DONE) > 0.0
    assert schedule.first_pause((*DONE, "in_progress")) == 0.0  # It may be over after the pause.
    assert schedule.first_pause(("requires_action",)) == 0.0  # It is reached too soon.
