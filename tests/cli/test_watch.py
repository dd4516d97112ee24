"""`run --watch` judges again when the user asks for it, and when the server comes back."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from runs_conformance.cli import run_command
from runs_conformance.cli.watch import is_reachable, wait_for_change, watch
from runs_conformance.errors import UsageError


def entered(*lines: str) -> queue.Queue[str]:
    waiting: queue.Queue[str] = queue.Queue()
    for line in lines:
        waiting.put(line)
    return waiting


@pytest.fixture
def port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_enter_judges_what_failed_and_q_ends_with_the_last_exit_code() -> None:
    calls: list[bool] = []

    def judge(failed: bool) -> int:
        calls.append(failed)
        return len(calls)

    assert watch(judge, "http://127.0.0.1:1", entered("\n", "\n", "q\n")) == 3
    assert calls == [False, True, True]


def test_everything_is_judged_after_nothing_failed() -> None:
    calls: list[bool] = []

    def judge(failed: bool) -> int:
        calls.append(failed)
        if failed:
            raise UsageError("--failed: nothing failed")
        return 0

    assert watch(judge, "http://127.0.0.1:1", entered("\n", "q\n")) == 0
    assert calls == [False, True, False]


def test_server_that_comes_back_is_judged_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([True, True, False, False, True])
    monkeypatch.setattr("runs_conformance.cli.watch.is_reachable", lambda url: next(states))
    assert wait_for_change(f"http://127.0.0.1:{port}", queue.Queue(), interval=0.001, settle=0)
    assert next(states, None) is None


def test_a_server_is_reachable_while_it_listens(port: int) -> None:
    assert is_reachable(f"http://127.0.0.1:{port}/v1")
    assert not is_reachable("http://127.0.0.1:99999")
    assert not is_reachable("http://")


def test_interruption_ends_with_the_last_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(url: str, lines: queue.Queue[str]) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("runs_conformance.cli.watch.wait_for_change", interrupt)
    assert watch(lambda failed: 1, "http://127.0.0.1:1", queue.Queue()) == 1


@pytest.mark.parametrize("arguments", [(), ("emulator",), ("http://127.0.0.1:1", "--dry-run")])
def test_what_cannot_be_watched_is_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert run_command(["run", "--watch", *arguments]) == 2
    assert "--watch" in capsys.readouterr().err
