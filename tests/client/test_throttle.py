from __future__ import annotations

from runs_conformance.client.throttle import FIRST_SPACING, SUSTAINED_REQUESTS, Throttle
from tests.client.clock import Clock


def throttle(spacing: float = 0.0) -> tuple[Throttle, Clock]:
    clock = Clock()
    return Throttle(spacing, clock.now, clock.sleep), clock


def test_without_a_limit_nobody_waits() -> None:
    gate, clock = throttle()
    for _ in range(100):
        gate.acquire()
    assert clock.slept == []


def test_a_rate_is_kept() -> None:
    gate, clock = throttle(0.1)
    for _ in range(4):
        gate.acquire()
    assert clock.slept == [0.1, 0.1, 0.1]


def test_what_leaves_together_takes_as_many_turns() -> None:
    gate, clock = throttle(0.1)
    gate.acquire(3)
    gate.acquire()
    assert clock.slept == [0.3]


def test_time_that_passed_is_not_waited_again() -> None:
    gate, clock = throttle(1.0)
    gate.acquire()
    clock.time += 0.75
    gate.acquire()
    clock.time += 5
    gate.acquire()
    assert clock.slept == [0.25]


def test_everybody_waits_while_the_target_wants_quiet() -> None:
    gate, clock = throttle()
    gate.acquire()
    gate.record_accepted()
    gate.back_off(2.0)
    gate.acquire()
    assert clock.slept == [2.0]


def test_who_waits_for_a_turn_when_quiet_is_asked_for_keeps_quiet_too() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            gate.back_off(3.0)

    gate = Throttle(1.0, clock.now, sleep)
    gate.acquire()
    gate.acquire()
    assert clock.slept == [1.0, 3.0]


def allowing(gate: Throttle, clock: Clock, per_second: int, requests: int) -> int:
    """How often a target turns requests away that takes so many in each second."""
    turned_away, window, taken = 0, clock.time, 0
    while requests:
        gate.acquire()
        if clock.time - window >= 1:
            window, taken = clock.time, 0
        if taken == per_second:
            turned_away += 1
            gate.back_off(window + 1 - clock.time)
            continue
        taken += 1
        requests -= 1
        gate.record_accepted()
    return turned_away


def test_it_learns_what_the_target_takes() -> None:
    gate, clock = throttle()
    began = clock.time
    assert allowing(gate, clock, 10, 500) < 50
    assert clock.time - began < 60


def test_one_request_that_is_turned_away_does_not_slow_the_run_down() -> None:
    gate, clock = throttle()
    gate.back_off(2.0)
    assert gate.spacing == FIRST_SPACING
    began = clock.time
    for _ in range(1000):
        gate.acquire()
        gate.record_accepted()
    assert clock.time - began < 8


def test_a_target_that_takes_plenty_in_between_is_only_waited_for() -> None:
    gate, clock = throttle()
    for _ in range(10):
        for _ in range(SUSTAINED_REQUESTS):
            gate.acquire()
            gate.record_accepted()
        gate.back_off(1.0)
    assert gate.spacing == 0.0
    assert sum(clock.slept) <= 10


def test_a_target_that_takes_nothing_at_all_is_asked_each_time_that_it_says() -> None:
    gate, clock = throttle()
    began = clock.time
    for _ in range(60):
        gate.acquire()
        gate.back_off(1.0)
    assert clock.time - began < 65
    assert gate.spacing == FIRST_SPACING


def test_the_users_rate_is_never_exceeded() -> None:
    gate, _ = throttle(0.2)
    gate.back_off(0.0)
    for _ in range(500):
        gate.record_accepted()
    assert gate.spacing == 0.2
