"""A target that was restarted is waited for, and one that stays away is given up."""

from __future__ import annotations

import socket

import pytest

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.recovery import MAX_RECOVERIES, SUPERVISOR_SECONDS, Recovery
from tests.clock import SleepClock

ADDRESS = parse_address("http://127.0.0.1:1/v1")


class _RestartedTarget:
    """A target that listens again after some time, or after its restart command was started."""

    def __init__(self, back_at: float | None = None) -> None:
        self.back_at = back_at
        self.clock = SleepClock()
        self.commands: list[str] = []
        self.recoveries = 0

    def is_listening(self) -> bool:
        return self.back_at is not None and self.clock.now() >= self.back_at

    def start(self, command: str) -> None:
        self.commands.append(command)
        self.back_at = self.clock.now() + 1

    def recovery(self, command: str | None = None) -> Recovery:
        def count() -> None:
            self.recoveries += 1

        return Recovery(
            ADDRESS,
            command,
            count,
            is_listening=self.is_listening,
            start=self.start,
            sleep=self.clock.sleep,
            now=self.clock.now,
        )


def test_a_target_that_a_supervisor_starts_again_is_waited_for() -> None:
    target = _RestartedTarget()
    target.back_at = target.clock.now() + 2
    assert target.recovery().wait(target.clock.now())
    assert target.recoveries == 1


def test_threads_that_were_refused_at_the_same_time_wait_for_one_recovery() -> None:
    target = _RestartedTarget()
    recovery = target.recovery("serve")
    refused_at = target.clock.now()
    assert recovery.wait(refused_at)
    assert recovery.wait(refused_at + 0.5)
    assert (target.commands, target.recoveries) == (["serve"], 1)


def test_a_later_refusal_is_another_recovery() -> None:
    target = _RestartedTarget()
    recovery = target.recovery("serve")
    assert recovery.wait(target.clock.now())
    target.clock.sleep(10.0)
    assert recovery.wait(target.clock.now())
    assert (target.commands, target.recoveries) == (["serve", "serve"], 2)


def test_a_target_that_stays_away_is_waited_for_once() -> None:
    target = _RestartedTarget()
    recovery = target.recovery()
    refused_at = target.clock.now()
    assert not recovery.wait(refused_at)
    gave_up_at = target.clock.now()
    assert gave_up_at - refused_at >= SUPERVISOR_SECONDS
    assert not recovery.wait(gave_up_at)
    assert target.clock.now() == gave_up_at
    assert target.recoveries == 0


def test_a_target_that_falls_again_and_again_is_given_up() -> None:
    target = _RestartedTarget()
    recovery = target.recovery("serve")
    results = []
    for _ in range(MAX_RECOVERIES + 1):
        target.clock.sleep(10.0)
        results.append(recovery.wait(target.clock.now()))
    assert results == [True] * MAX_RECOVERIES + [False]


def test_a_lost_connection_to_a_target_that_listens_is_no_restart() -> None:
    target = _RestartedTarget(back_at=0.0)
    assert not target.recovery("serve").wait_if_down(target.clock.now())
    assert (target.commands, target.recoveries) == ([], 0)


def test_a_lost_connection_to_a_target_that_is_down_starts_the_command() -> None:
    target = _RestartedTarget()
    assert target.recovery("serve").wait_if_down(target.clock.now())
    assert target.commands == ["serve"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_target_behind_a_proxy_is_not_restarted_after_a_lost_response(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be reached directly, so whether it listens is unknown."""
    target = _RestartedTarget()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        address = parse_address("http://only-through-the-proxy.invalid/v1")
        recovery = Recovery(address, "serve", start=target.start, sleep=target.clock.sleep, now=target.clock.now)
        assert not recovery.wait_if_down(target.clock.now())
    assert target.commands == []
    assert target.clock.now() == _RestartedTarget().clock.now()
