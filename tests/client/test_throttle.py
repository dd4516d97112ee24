"""Requests keep the rate that the user or the target sets."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest

from runs_conformance.client.throttle import FIRST_SPACING, MAX_SPACING, SUSTAINED_REQUESTS, Throttle
from tests.clock import SleepClock


def throttle(spacing: float = 0.0) -> tuple[Throttle, SleepClock]:
    clock = SleepClock()
    return Throttle(spacing, clock.now, clock.sleep), clock


def test_no_wait_without_a_limit() -> None:
    limiter, clock = throttle()
    for _ in range(100):
        limiter.acquire()
    assert clock.slept == []


def test_rate_limit_is_kept() -> None:
    limiter, clock = throttle(0.1)
    for _ in range(4):
        limiter.acquire()
    assert clock.slept == [0.1, 0.1, 0.1]


def test_concurrent_requests_take_several_turns() -> None:
    limiter, clock = throttle(0.1)
    limiter.acquire(3)
    limiter.acquire()
    assert clock.slept == [0.3]


def test_elapsed_time_reduces_the_wait() -> None:
    limiter, clock = throttle(1.0)
    limiter.acquire()
    clock.time += 0.75
    limiter.acquire()
    clock.time += 5
    limiter.acquire()
    assert clock.slept == [0.25]


def test_back_off_holds_all_requests() -> None:
    limiter, clock = throttle()
    limiter.acquire()
    limiter.record_accepted()
    limiter.back_off(2.0)
    limiter.acquire()
    assert clock.slept == [2.0]


def test_back_off_holds_a_waiting_request() -> None:
    clock = SleepClock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            limiter.back_off(3.0)

    limiter = Throttle(1.0, clock.now, sleep)
    limiter.acquire()
    limiter.acquire()
    assert clock.slept == [1.0, 3.0]


def count_refusals(limiter: Throttle, clock: SleepClock, per_second: int, requests: int) -> int:
    """Count the refusals of a target that accepts `per_second` requests per second."""
    refusals, window, accepted = 0, clock.time, 0
    while requests:
        limiter.acquire()
        if clock.time - window >= 1:
            window, accepted = clock.time, 0
        if accepted == per_second:
            refusals += 1
            limiter.back_off(window + 1 - clock.time)
            continue
        accepted += 1
        requests -= 1
        limiter.record_accepted()
    return refusals


def test_spacing_adapts_to_the_target() -> None:
    limiter, clock = throttle()
    started = clock.time
    assert count_refusals(limiter, clock, 10, 500) < 50
    assert clock.time - started < 60


def test_single_refusal_has_little_effect() -> None:
    limiter, clock = throttle()
    limiter.back_off(2.0)
    assert limiter.spacing == FIRST_SPACING
    started = clock.time
    for _ in range(1000):
        limiter.acquire()
        limiter.record_accepted()
    assert clock.time - started < 8


def test_rare_refusals_do_not_widen_the_spacing() -> None:
    limiter, clock = throttle()
    for _ in range(10):
        for _ in range(SUSTAINED_REQUESTS):
            limiter.acquire()
            limiter.record_accepted()
        limiter.back_off(1.0)
    assert limiter.spacing == 0.0
    assert sum(clock.slept) <= 10


def test_total_refusal_only_waits() -> None:
    limiter, clock = throttle()
    started = clock.time
    for _ in range(60):
        limiter.acquire()
        limiter.back_off(1.0)
    assert clock.time - started < 65
    assert limiter.spacing == FIRST_SPACING


def test_user_rate_limit_is_never_exceeded() -> None:
    limiter, _ = throttle(0.2)
    limiter.back_off(0.0)
    for _ in range(500):
        limiter.record_accepted()
    assert limiter.spacing == 0.2


def alternate(limiter: Throttle, clock: SleepClock, retry_after: float, requests: int) -> None:
    """Have every second request refused, whatever the spacing."""
    for number in range(requests):
        limiter.acquire()
        clock.time += 0.01
        if number % 2:
            limiter.back_off(retry_after)
        else:
            limiter.record_accepted()


@pytest.mark.parametrize("retry_after", [0.0, 0.2, 1.0])
def test_refusals_that_no_spacing_prevents_do_not_slow_down_forever(retry_after: float) -> None:
    limiter, clock = throttle()
    alternate(limiter, clock, retry_after, 100)
    before = clock.time
    alternate(limiter, clock, retry_after, 100)
    assert clock.time - before <= 50 * (retry_after + 0.3)
    assert max(clock.slept) <= MAX_SPACING + retry_after


def test_long_waits_are_reported_once_for_each_doubling() -> None:
    clock, waits = SleepClock(), list[float]()
    limiter = Throttle(0.0, clock.now, clock.sleep, waits.append)
    for seconds in (0.5, 1.0, 1.5, 3.0, 3.0, 20.0):
        limiter.acquire()
        limiter.back_off(seconds)
    assert waits == [1.0, 3.0, 20.0]


def test_a_sleep_that_is_interrupted_ends_the_wait() -> None:
    clock = SleepClock()
    limiter = Throttle(0.0, clock.now, lambda seconds: None)
    before = clock.time
    limiter.back_off(100.0)
    limiter.acquire()
    assert clock.time == before


PAUSES = (0.2, 0.5, 1.0)
"""The pauses of a client whose target does not say how long to wait, in seconds."""


def send_all(limiter: Throttle, clock: SleepClock, accepts: Callable[[float], bool], requests: int) -> int:
    """Send requests until each is accepted; return the number of refusals."""
    refusals = 0
    for _ in range(requests):
        for attempt in itertools.count():
            limiter.acquire()
            clock.time += 0.005
            if accepts(clock.time):
                limiter.record_accepted()
                break
            refusals += 1
            limiter.back_off(PAUSES[min(attempt, 2)])
    return refusals


@pytest.mark.parametrize("interval", [0.1, 1.0, 3.0])
def test_limit_without_retry_after_is_found(interval: float) -> None:
    limiter, clock = throttle()
    started, last = clock.time, 0.0

    def accepts(now: float) -> bool:
        nonlocal last
        if now - last < interval:
            return False
        last = now
        return True

    refusals = send_all(limiter, clock, accepts, 300)
    assert clock.time - started < 1.6 * 300 * interval
    assert refusals < 200


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1 / 20, 1 / 7])
def test_random_refusals_are_met_with_pauses_only(share: float, seed: int) -> None:
    limiter, clock = throttle()
    started, random = clock.time, Random(seed)
    refusals = send_all(limiter, clock, lambda now: random.random() >= share, 500)
    assert clock.time - started < 0.4 * refusals + 25


def test_waiting_requests_take_turns_after_a_pause() -> None:
    """A refusal makes the turns obsolete that waiting requests have taken before."""
    clock = SleepClock()
    sent = list[float]()

    def sleep(seconds: float) -> None:
        # Another thread's request is refused while this one waits for its turn.
        interrupted = not clock.slept
        clock.sleep(seconds)
        if interrupted:
            limiter.back_off(2.0)
            limiter.acquire()
            sent.append(clock.time)

    limiter = Throttle(1.0, clock.now, sleep)
    limiter.acquire()
    limiter.acquire()
    sent.append(clock.time)
    assert sent[1] - sent[0] == 1.0
