"""Work in a thread returns its outcome, and an interrupt ends the wait for it."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.errors import TargetError


def test_result_of_the_work_is_returned() -> None:
    assert run_interruptible(lambda: 7) == 7


def test_exception_of_the_work_is_raised() -> None:
    def work() -> None:
        raise TargetError("gone")

    with pytest.raises(TargetError, match="gone"):
        run_interruptible(work)


def interrupt_after(seconds: float) -> threading.Timer:
    """Send SIGINT to the main thread after some seconds."""
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    return timer


def test_interrupt_abandons_the_work() -> None:
    hangs = threading.Event()
    started = time.monotonic()
    interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        run_interruptible(lambda: hangs.wait(30))
    assert time.monotonic() - started < 15
    hangs.set()


def test_stoppable_work_is_awaited() -> None:
    stopping, ended = threading.Event(), threading.Event()

    def work() -> None:
        stopping.wait(30)
        time.sleep(0.5)
        ended.set()

    interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work, stop=stopping.set)
    assert ended.is_set()
